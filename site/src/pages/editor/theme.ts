import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

// Colours are those of ui/theme.css: they reach into the shadow root and change with the theme.

const look = EditorView.theme({
  "&": { height: "100%", backgroundColor: "var(--c-surface)", color: "var(--c-text)", fontSize: "13px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": {
    fontFamily: '"JetBrains Mono", ui-monospace, monospace',
    fontVariantLigatures: "none",
    lineHeight: "20px",
    overflow: "auto",
  },
  ".cm-content": { padding: "8px 0", caretColor: "var(--c-text)" },
  ".cm-cursor": { borderLeftColor: "var(--c-text)", borderLeftWidth: "2px" },
  ".cm-gutters": { backgroundColor: "var(--c-surface)", color: "var(--c-faint)", border: "none", paddingRight: "4px" },
  ".cm-lineNumbers .cm-gutterElement": { minWidth: "40px", padding: "0 8px 0 12px" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--c-sunken)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "color-mix(in srgb, var(--c-accent) 26%, transparent)",
  },
  ".cm-selectionMatch": { backgroundColor: "var(--c-accent-soft)" },
  ".cm-searchMatch": { backgroundColor: "var(--c-warn-soft)", outline: "1px solid var(--c-warn)" },
  ".cm-searchMatch-selected": { backgroundColor: "var(--c-busy-soft)", outline: "1px solid var(--c-busy)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--c-accent-soft)", outline: "1px solid var(--c-accent)" },
  ".cm-finding": { backgroundColor: "var(--c-bad-soft)", boxShadow: "inset 3px 0 var(--c-bad)" },
  ".cm-panels": {
    backgroundColor: "var(--c-raised)",
    color: "var(--c-text)",
    fontFamily: '"Inter Variable", system-ui, sans-serif',
    borderColor: "var(--c-line)",
  },
  ".cm-panels-top": { borderBottom: "1px solid var(--c-line)" },
  ".cm-panel.cm-search": { padding: "6px 32px 6px 12px", fontSize: "13px" },
  ".cm-textfield": {
    backgroundColor: "var(--c-surface)",
    color: "var(--c-text)",
    border: "1px solid var(--c-line-strong)",
    borderRadius: "6px",
    padding: "3px 8px",
    fontSize: "13px",
  },
  ".cm-button": {
    background: "var(--c-surface)",
    color: "var(--c-text)",
    border: "1px solid var(--c-line-strong)",
    borderRadius: "6px",
    padding: "3px 8px",
  },
  ".cm-panel.cm-search [name=close]": { color: "var(--c-muted)", fontSize: "18px", right: "10px", top: "6px" },
});

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier], color: "var(--c-accent)", fontWeight: "600" },
  { tag: [tags.propertyName, tags.attributeName, tags.definition(tags.variableName)], color: "var(--c-busy)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--c-ok)" },
  { tag: [tags.number, tags.atom, tags.bool, tags.null], color: "var(--c-warn)" },
  { tag: [tags.comment, tags.meta], color: "var(--c-faint)", fontStyle: "italic" },
  { tag: [tags.function(tags.variableName), tags.standard(tags.name)], color: "var(--c-busy)" },
  { tag: [tags.brace, tags.operator, tags.punctuation], color: "var(--c-muted)" },
  { tag: tags.heading, color: "var(--c-accent)", fontWeight: "600" },
  { tag: tags.strong, fontWeight: "600" },
  { tag: [tags.link, tags.url], color: "var(--c-accent)", textDecoration: "underline" },
  { tag: tags.invalid, color: "var(--c-bad)" },
]);

export const theme = [look, syntaxHighlighting(colours)];
