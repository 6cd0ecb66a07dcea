import { describe, expect, test } from "vitest";
import { backTo, leavesPages } from "./back";
import { isWeb, safeLink, wildcardLink } from "./link";
import { plain } from "./plain";
import { readSearch, withTerm } from "./search";
import { ago, between, duration } from "./time";

describe("backTo", () => {
  const origin = "https://coder.example";
  test.each([
    ["/workspaces?filter=owner%3Ame#x", "/workspaces?filter=owner%3Ame#x"],
    ["/api/v2/applications/auth-redirect?redirect_uri=a", "/api/v2/applications/auth-redirect?redirect_uri=a"],
  ])("takes %s", (text, want) => expect(backTo(text, origin)).toBe(want));
  test.each([
    undefined,
    "",
    "workspaces",
    "//evil.example",
    "/\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "https://evil.example/",
    "javascript:alert(1)",
    "/x/..//evil.example",
    "/login?redirect=/login",
    "/setup",
    `/${"a".repeat(5000)}`,
  ])("refuses %s", (text) => expect(backTo(text, origin)).toBe("/"));
  test("knows what the server serves", () => {
    expect(leavesPages("/api/v2/x?y")).toBe(true);
    expect(leavesPages("/workspaces?q=/api/")).toBe(false);
  });
});

describe("plain", () => {
  test("drops terminal sequences, controls and direction marks", () => {
    expect(plain("\u001b[31mred\u001b[0m \u001b]0;title\u0007x\u0000y\u202ez\r")).toBe("red xyz");
  });
  test("leaves markup as text", () => expect(plain("<script>alert(1)</script>")).toBe("<script>alert(1)</script>"));
  test("cuts a megabyte and says so", () => {
    const out = plain("a".repeat(1_000_000));
    expect(out.length).toBeLessThan(4100);
    expect(out).toContain("996,000 more characters");
  });
});

describe("search", () => {
  test("reads words and terms", () => {
    expect(readSearch('owner:me dev template:"my tpl" box')).toEqual({
      words: "dev box",
      terms: { owner: "me", template: "my tpl" },
    });
    expect(readSearch("owner: x")).toEqual({ words: "owner: x", terms: {} });
  });
  test("sets and removes a term", () => {
    expect(withTerm("owner:me dev", "status", "running")).toBe("owner:me status:running dev");
    expect(withTerm("owner:me dev", "owner", "")).toBe("dev");
    expect(withTerm("", "template", "my tpl")).toBe('template:"my tpl"');
  });
});

describe("links", () => {
  test("refuses script", () => {
    for (const bad of ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "no url", ""])
      expect(safeLink(bad)).toBeUndefined();
    expect(safeLink("vscode://x/y")).toBe("vscode://x/y");
    expect(isWeb("https://a")).toBe(true);
    expect(isWeb("vscode://a")).toBe(false);
  });
  test("fills the wildcard", () => {
    expect(wildcardLink("*.apps.example:8080", "a--b", "https:")).toBe("https://a--b.apps.example:8080/");
    expect(wildcardLink("", "a", "https:")).toBeUndefined();
  });
});

describe("time", () => {
  const now = Date.parse("2026-01-02T00:00:00Z");
  test("ago", () => {
    expect(ago("2026-01-01T23:59:50Z", now)).toBe("just now");
    expect(ago("2026-01-01T23:57:00Z", now)).toBe("3 minutes ago");
    expect(ago("2026-01-01T00:00:00Z", now)).toBe("yesterday");
    expect(ago("0001-01-01T00:00:00Z", now)).toBe("never");
    expect(ago(undefined, now)).toBe("never");
  });
  test("duration", () => {
    expect([240, 4210, 185_000, 7_800_000, -1, Number.NaN].map(duration)).toEqual([
      "240 ms",
      "4.2 s",
      "3 m 05 s",
      "2 h 10 m",
      "–",
      "–",
    ]);
    expect(between("2026-01-01T23:59:50Z", undefined, now)).toBe(10_000);
  });
});
