import { expect, test } from "vitest";
import { htmlBadge, markdownBadge, workspaceLink } from "./embed";

const base = "https://coder.example/x";

test("values are written so that they come back as they were", () => {
  const link = workspaceLink(base, "de fault", "docker", "", { region: 'a&b="c"#?', "two words": "ü" });
  const url = new URL(link);
  expect(url.pathname).toBe("/x/templates/de%20fault/docker/workspace");
  expect(Object.fromEntries(url.searchParams)).toEqual({
    mode: "manual",
    "param.region": 'a&b="c"#?',
    "param.two words": "ü",
  });
});

test("a value cannot leave the badge", () => {
  const link = workspaceLink(base, "o", "t", "w", { a: '"><script>)](x' });
  expect(htmlBadge(base, link, "Open").match(/[<>]/g)).toHaveLength(6);
  expect(htmlBadge(base, link, "Open")).toContain("&amp;param.a=");
  expect(markdownBadge(base, link, "Open").endsWith(")")).toBe(true);
  expect(markdownBadge(base, link, "Open").match(/\)/g)).toHaveLength(2);
});
