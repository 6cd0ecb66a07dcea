import { StreamLanguage, type StreamParser } from "@codemirror/language";
import { dockerFile } from "@codemirror/legacy-modes/mode/dockerfile";
import { json } from "@codemirror/legacy-modes/mode/javascript";
import { python } from "@codemirror/legacy-modes/mode/python";
import { shell } from "@codemirror/legacy-modes/mode/shell";
import { toml } from "@codemirror/legacy-modes/mode/toml";
import { yaml } from "@codemirror/legacy-modes/mode/yaml";
import type { Extension } from "@codemirror/state";
import { hcl } from "./hcl";

/** markdown knows headings, code, emphasis and links: as much as helps the eye. */
const markdown: StreamParser<{ fence: string }> = {
  name: "markdown",
  startState: () => ({ fence: "" }),
  token(stream, state) {
    if (stream.sol()) {
      const fence = stream.match(/^\s*(```+|~~~+).*/) as RegExpMatchArray | null;
      if (fence) {
        state.fence = state.fence ? "" : fence[1]!;
        return "meta";
      }
      if (state.fence) {
        stream.skipToEnd();
        return "string";
      }
      if (stream.match(/^#{1,6}\s.*/)) return "heading";
      if (stream.match(/^\s*([-*+]|\d+\.)\s/)) return "keyword";
    }
    if (stream.match(/^`[^`]+`/)) return "string";
    if (stream.match(/^\*\*[^*]+\*\*|^__[^_]+__/)) return "strong";
    if (stream.match(/^\[[^\]]*\]\([^)]*\)/)) return "link";
    stream.next();
    stream.match(/^[^`*_[]+/);
    return null;
  },
};

const modes: readonly (readonly [RegExp, Extension])[] = [
  [/\.(tf|tfvars|hcl|tofu)$/i, hcl],
  [/\.md$/i, StreamLanguage.define(markdown)],
  [/\.ya?ml$/i, StreamLanguage.define(yaml)],
  [/\.(json|tfstate)$/i, StreamLanguage.define(json)],
  [/\.(sh|bash|zsh|tftpl|tpl|env)$|(^|\/)\.(bash|zsh|pro)\w*$/i, StreamLanguage.define(shell)],
  [/(^|\/)(dockerfile|containerfile)[^/]*$/i, StreamLanguage.define(dockerFile)],
  [/\.toml$/i, StreamLanguage.define(toml)],
  [/\.py$/i, StreamLanguage.define(python)],
];

/** languageOf is how the text of a file is coloured: by its name, or by its first line. */
export function languageOf(path: string, text: string): Extension {
  const found = modes.find(([pattern]) => pattern.test(path))?.[1];
  return found ?? (/^#!.*\b(ba|z|da)?sh\b/.test(text) ? StreamLanguage.define(shell) : []);
}
