import { indentService, StreamLanguage, type StringStream } from "@codemirror/language";

interface State {
  /** What is open: a block comment, a heredoc up to its mark, or strings and their ${ } in each other. */
  comment: boolean;
  heredoc: string;
  nest: ("string" | "code")[];
  /** start says that the line has no code yet: a name here begins a block or an argument. */
  start: boolean;
}

/** inString reads text up to its end or to a "${". */
function inString(stream: StringStream, state: State): string {
  while (!stream.eol()) {
    if (stream.match(/^[$%]\{/, false) && !stream.match(/^([$%])\1\{/, false)) {
      if (stream.pos > stream.start) return "string";
      stream.match(/^[$%]\{~?/);
      state.nest.push("code");
      return "brace";
    }
    const sign = stream.next();
    if (sign === "\\") stream.next();
    else if (sign === '"') {
      state.nest.pop();
      return "string";
    }
  }
  // A string ends with its line.
  state.nest.pop();
  return "string";
}

function token(stream: StringStream, state: State): string | null {
  if (stream.sol()) state.start = true;
  if (state.comment) {
    state.comment = !stream.match(/^.*?\*\//);
    if (state.comment) stream.skipToEnd();
    return "comment";
  }
  if (state.heredoc) {
    const line = stream.match(/^.*/) as RegExpMatchArray;
    if (line[0].trim() === state.heredoc) state.heredoc = "";
    return "string";
  }
  if (state.nest.at(-1) === "string") return inString(stream, state);
  if (stream.eatSpace()) return null;
  if (stream.match(/^(#|\/\/).*/)) return "comment";
  if (stream.match("/*")) {
    state.comment = true;
    return "comment";
  }
  const first = state.start;
  state.start = false;
  const doc = stream.match(/^<<-?([A-Za-z_]\w*)$/) as RegExpMatchArray | null;
  if (doc) {
    state.heredoc = doc[1]!;
    return "string";
  }
  if (stream.eat('"')) {
    state.nest.push("string");
    return inString(stream, state);
  }
  if (stream.match(/^\d+(\.\d+)?([eE][+-]?\d+)?/)) return "number";
  if (stream.match(/^[A-Za-z_][\w-]*/)) return word(stream, first);
  if (stream.eat("{")) {
    if (state.nest.length > 0) state.nest.push("code");
    return "brace";
  }
  if (stream.eat("}")) {
    state.nest.pop();
    return "brace";
  }
  stream.next();
  return "operator";
}

function word(stream: StringStream, first: boolean): string {
  const text = stream.current();
  if (/^(true|false|null)$/.test(text)) return "atom";
  if (/^(for|in|if|else|endif|endfor)$/.test(text)) return "keyword";
  if (stream.match(/^\s*=[^=>]?/, false)) return "propertyName";
  if (stream.match(/^\s*\(/, false)) return "variableName.function";
  return first ? "keyword" : "variableName";
}

const language = StreamLanguage.define<State>({
  name: "hcl",
  startState: () => ({ comment: false, heredoc: "", nest: [], start: true }),
  copyState: (state) => ({ ...state, nest: [...state.nest] }),
  token,
  languageData: { commentTokens: { line: "#", block: { open: "/*", close: "*/" } }, indentOnInput: /^\s*[}\])]$/ },
});

/** A line is as deep as the one above, deeper behind an open bracket, less deep where it closes one. */
const indent = indentService.of((context, pos) => {
  const here = context.lineAt(pos, 1);
  if (here.from === 0) return 0;
  let above = context.lineAt(here.from - 1, -1);
  while (above.from > 0 && !above.text.trim()) above = context.lineAt(above.from - 1, -1);
  const opens = /[{[(]\s*$/.test(above.text) ? context.unit : 0;
  const closes = /^\s*[}\])]/.test(here.text) ? context.unit : 0;
  return Math.max(0, context.lineIndent(above.from) + opens - closes);
});

/** hcl colours the language of Terraform, line by line. */
export const hcl = [language, indent];
