import { expect, test } from "vitest";
import { compareFiles, counts, diffLines } from "./diff";

const file = (name: string, text: string) => ({ name, text, data: new TextEncoder().encode(text) });

test("files that came, went and changed, by name", () => {
  const before = [file("same", "x"), file("gone", "x"), file("main.tf", "a")];
  const after = [file("main.tf", "b"), file("new", "x"), file("same", "x")];
  expect(compareFiles(before, after).map((c) => `${c.kind} ${c.name}`)).toEqual([
    "removed gone",
    "changed main.tf",
    "added new",
  ]);
  expect(compareFiles(before, before)).toEqual([]);
});

test("lines have the numbers of both sides", () => {
  const lines = diffLines("a\nb\nc\n", "a\nB\nc\nd\n")!;
  expect(lines).toEqual([
    { kind: "same", text: "a", before: 1, after: 1 },
    { kind: "removed", text: "b", before: 2 },
    { kind: "added", text: "B", after: 2 },
    { kind: "same", text: "c", before: 3, after: 3 },
    { kind: "added", text: "d", after: 4 },
  ]);
  expect(counts(lines)).toEqual({ added: 2, removed: 1 });
});

test("what is far apart stands in parts", () => {
  const long = Array.from({ length: 50 }, (_, i) => `line ${i}`);
  const changed = long.with(2, "two").with(40, "forty");
  const lines = diffLines(long.join("\n"), changed.join("\n"))!;
  expect(lines.filter((l) => l.kind === "gap")).toHaveLength(1);
  expect(lines.find((l) => l.text === "forty")).toEqual({ kind: "added", text: "forty", after: 41 });
});

test("a file that came has only new lines; a missing last line break is said", () => {
  expect(diffLines("", "a\nb\n")!.every((l) => l.kind === "added")).toBe(true);
  expect(diffLines("a\n", "a")!.at(-1)?.text).toContain("No newline");
  expect(diffLines("a\n", "a\n")).toEqual([]);
});

test("texts that have nothing in common are given up, soon", () => {
  const many = (word: string) => Array.from({ length: 40_000 }, (_, i) => `${word} ${i}`).join("\n");
  expect(diffLines(many("x"), many("y"))).toBeUndefined();
});
