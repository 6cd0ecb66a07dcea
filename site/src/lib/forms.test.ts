import { describe, expect, test } from "vitest";
import { readList, writeList } from "./list";
import { marks } from "./marks";
import { nameFault, suggestName } from "./names";
import { rawParse, rawStringify } from "./rawsearch";

describe("marks", () => {
  test("reads strong words, code and links", () => {
    expect(marks("a **b** `c` [d](https://e.example/f)")).toEqual([
      { kind: "text", text: "a " },
      { kind: "strong", text: "b" },
      { kind: "text", text: " " },
      { kind: "code", text: "c" },
      { kind: "text", text: " " },
      { kind: "link", text: "d", href: "https://e.example/f" },
    ]);
  });
  test.each(["[x](javascript:alert)", "[x](data:text/html,y)", "[x](/relative)", "<b>x</b>"])("%s stays text", (text) =>
    expect(marks(text).every((m) => m.kind === "text")).toBe(true),
  );
  test("a megabyte is cut", () => {
    const length = marks("[*`".repeat(350_000)).reduce((sum, m) => sum + m.text.length, 0);
    expect(length).toBeLessThan(3000);
  });
});

describe("lists", () => {
  test.each([
    ['["a","b"]', ["a", "b"]],
    ['["a",1,null]', ["a"]],
    ["", []],
    ["{", []],
    ['{"a":1}', []],
  ])("%s is read", (text, want) => expect(readList(text)).toEqual(want));
  test("an entry stands once", () => expect(writeList(["a", "a", "b"])).toBe('["a","b"]'));
});

describe("raw search", () => {
  const parse = rawParse((text) => ({ n: new URLSearchParams(text).get("n") ? 1 : 0 }));
  const stringify = rawStringify((s) => (s.n ? "?n=1" : ""));
  test.each(["1.20", "007", "true", '"quoted"', "[1]", "a&b=c", "ü +%"])("%s stays as it was typed", (value) => {
    const text = stringify({ n: 1, "param.go": value });
    expect(text.startsWith("?n=1&param.go=")).toBe(true);
    expect(parse(text)).toEqual({ n: 1, "param.go": value });
  });
  test("what is no parameter is as usual", () => expect(stringify({})).toBe(""));
});

describe("names", () => {
  test("a suggestion is a name", () => {
    for (const chance of [0, 0.5, 0.999]) expect(nameFault(suggestName(() => chance))).toBeUndefined();
  });
  test.each(["", "a_b", "-a", "a--b", "a ", "x".repeat(33)])("%j is none", (name) =>
    expect(nameFault(name)).toBeTruthy(),
  );
});
