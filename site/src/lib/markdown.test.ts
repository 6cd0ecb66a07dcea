import { expect, test } from "vitest";
import { type MarkNode, parseMarkdown } from "./markdown";

const all = (node: MarkNode): MarkNode[] => [node, ...(node.children ?? []).flatMap(all)];
const names = (text: string) => all(parseMarkdown(text)).flatMap((n) => (n as { tagName?: string }).tagName ?? []);
const words = (text: string) =>
  all(parseMarkdown(text))
    .map((n) => n.value ?? "")
    .join("");

test("Markdown with tables, tasks and code becomes elements", () => {
  expect(names("# A\n\n|a|b|\n|-|-|\n|1|2|\n\n- [x] done\n\n```sh\nls\n```")).toEqual(
    expect.arrayContaining(["h1", "table", "th", "td", "input", "pre", "code"]),
  );
});

test("HTML stays text, comments go", () => {
  const text = 'a <b>bold</b>\n\n<script>alert(1)</script>\n\n<!-- hidden -->\n\n<img src=x onerror="alert(1)">';
  expect(names(text).filter((n) => n !== "p")).toEqual([]);
  expect(words(text)).toContain("<script>alert(1)</script>");
  expect(words(text)).toContain('onerror="alert(1)"');
  expect(words(text)).not.toContain("hidden");
});

test("what is nested without end is refused", () => {
  expect(() => parseMarkdown(">".repeat(500))).toThrow("too deep");
});
