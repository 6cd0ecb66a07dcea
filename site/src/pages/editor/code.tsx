import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, indentOnInput, indentUnit } from "@codemirror/language";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { useLayoutEffect, useRef } from "react";
import { languageOf } from "./languages";
import { words } from "./texts";
import { theme } from "./theme";

export interface Target {
  path: string;
  line: number;
}

interface Props {
  path: string;
  text: string;
  /** marked are the lines, from 1, that Terraform has found something in. */
  marked: readonly number[];
  /** target is a line to go to; another object goes there again. */
  target: Target | undefined;
  onChange: (path: string, text: string) => void;
}

const mark = StateEffect.define<readonly number[]>();
const line = Decoration.line({ class: "cm-finding" });

/** marks are lines with findings. They move with the text. */
const marks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(old, change) {
    let now = old.map(change.changes);
    for (const effect of change.effects) {
      if (!effect.is(mark)) continue;
      const { doc } = change.state;
      const lines = [...new Set(effect.value)].filter((n) => n >= 1 && n <= doc.lines).sort((a, b) => a - b);
      now = Decoration.set(lines.map((n) => line.range(doc.line(n).from)));
    }
    return now;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** typedOver replaces a selection itself: the browser would write style attributes, which our policy forbids. */
function typedOver(event: InputEvent, editor: EditorView): boolean {
  const { state } = editor;
  if (event.inputType !== "insertText" || !event.data || editor.composing || state.selection.main.empty) return false;
  event.preventDefault();
  editor.dispatch(state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
  return true;
}

function stateOf(path: string, text: string, changed: (path: string, text: string) => void): EditorState {
  return EditorState.create({
    doc: text,
    extensions: [
      // The ends of lines stay as they are: only one of the two is an end.
      EditorState.lineSeparator.of(text.includes("\r\n") ? "\r\n" : "\n"),
      lineNumbers(),
      highlightActiveLine(),
      highlightActiveLineGutter(),
      highlightSpecialChars(),
      highlightSelectionMatches(),
      history(),
      drawSelection(),
      bracketMatching(),
      indentOnInput(),
      indentUnit.of("  "),
      search({ top: true }),
      keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap, indentWithTab]),
      languageOf(path, text),
      marks,
      theme,
      EditorView.contentAttributes.of({ "aria-label": words.editor(path), tabindex: "0" }),
      EditorView.domEventHandlers({ beforeinput: typedOver }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) changed(path, update.state.sliceDoc());
      }),
    ],
  });
}

/**
 * Code is the text of one file. It stands in a shadow root: there CodeMirror puts its
 * styles into a sheet of the object model, which our policy allows, and not into an element.
 */
export default function Code({ path, text, marked, target, onChange }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const states = useRef(new Map<string, EditorState>());
  const shown = useRef("");
  const reached = useRef<Target>(undefined);
  const latest = useRef(onChange);
  latest.current = onChange;

  useLayoutEffect(() => {
    const element = host.current!;
    const root = element.shadowRoot ?? element.attachShadow({ mode: "open" });
    const made = new EditorView({ parent: root, root });
    view.current = made;
    shown.current = "";
    return () => made.destroy();
  }, []);

  useLayoutEffect(() => {
    const editor = view.current!;
    if (shown.current !== path) {
      if (shown.current) states.current.set(shown.current, editor.state);
      const kept = states.current.get(path);
      const now = kept?.sliceDoc() === text ? kept : stateOf(path, text, (p, t) => latest.current(p, t));
      shown.current = path;
      editor.setState(now);
    } else if (editor.state.sliceDoc() !== text) {
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: text } });
    }
  }, [path, text]);

  const lines = marked.join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another file has other lines
  useLayoutEffect(() => {
    view.current!.dispatch({ effects: mark.of(lines ? lines.split(",").map(Number) : []) });
  }, [lines, path]);

  useLayoutEffect(() => {
    const editor = view.current!;
    if (!target || target === reached.current || target.path !== path) return;
    reached.current = target;
    const { from } = editor.state.doc.line(Math.min(Math.max(1, target.line), editor.state.doc.lines));
    editor.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
    editor.focus();
  }, [target, path]);

  return <div ref={host} className="h-full min-h-0" />;
}
