import { structuredPatch } from "diff";

/** What compareFiles needs of a file; text is missing where it is no text. */
interface Content {
  name: string;
  data: Uint8Array;
  text?: string;
}

export interface Change<T extends Content = Content> {
  name: string;
  kind: "added" | "removed" | "changed";
  before?: T;
  after?: T;
}

/** A line of a unified diff. gap stands before a part that is further down. */
export interface DiffLine {
  kind: "same" | "added" | "removed" | "gap";
  text: string;
  /** The numbers of the line before and after, where it is there. */
  before?: number;
  after?: number;
}

const equal = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i]);

/** compareFiles says which files are not the same, by name. */
export function compareFiles<T extends Content>(before: readonly T[], after: readonly T[]): Change<T>[] {
  const old = new Map(before.map((f) => [f.name, f]));
  const out: Change<T>[] = [];
  for (const file of after) {
    const was = old.get(file.name);
    old.delete(file.name);
    if (!was) out.push({ name: file.name, kind: "added", after: file });
    else if (!equal(was.data, file.data)) out.push({ name: file.name, kind: "changed", before: was, after: file });
  }
  for (const file of old.values()) out.push({ name: file.name, kind: "removed", before: file });
  return out.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Longer work than this, in milliseconds, is given up: files can be made to be hard to compare. */
const patience = 500;

/** diffLines is the unified diff of two texts with three lines around; undefined where they differ too much. */
export function diffLines(before: string, after: string): DiffLine[] | undefined {
  const patch = structuredPatch("", "", before, after, "", "", {
    context: 3,
    timeout: patience,
    maxEditLength: 20_000,
  });
  if (!patch) return undefined;
  const out: DiffLine[] = [];
  for (const hunk of patch.hunks) {
    const gap = `@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`;
    if (out.length > 0 || hunk.oldStart > 1 || hunk.newStart > 1) out.push({ kind: "gap", text: gap });
    let a = hunk.oldStart;
    let b = hunk.newStart;
    for (const line of hunk.lines) {
      const text = line.slice(1);
      if (line[0] === "+") out.push({ kind: "added", text, after: b++ });
      else if (line[0] === "-") out.push({ kind: "removed", text, before: a++ });
      else if (line[0] === " ") out.push({ kind: "same", text, before: a++, after: b++ });
      else out.push({ kind: "gap", text: text.trim() }); // "\ No newline at end of file"
    }
  }
  return out;
}

/** counts are the lines that came and went. */
export function counts(lines: readonly DiffLine[]): { added: number; removed: number } {
  return {
    added: lines.filter((l) => l.kind === "added").length,
    removed: lines.filter((l) => l.kind === "removed").length,
  };
}
