import { expect, test } from "vitest";
import { findingOf, findings, missingVariables } from "./diagnostics";

const say = (level: string, ...texts: string[]) => texts.map((text) => ({ level, text, group: "Planning" }));

test("findings have their file and line, and what Terraform says of them", () => {
  const found = findings([
    ...say("info", "Error: not of Terraform"),
    ...say(
      "error",
      "Error: Missing required argument",
      '  on main.tf line 7, in resource "coder_agent" "main":',
      '    7: resource "coder_agent" "main" {',
      "",
      'The argument "os" is required, but no definition was found.',
      "Error: Unsupported argument",
      "  on modules/a b/x.tf line 12:",
      "   12:   oss = 1",
      "",
      "Two",
      "lines.",
    ),
    ...say("info", "Plan: 1 to add"),
    ...say("warn", "Warning: Deprecated", "Use another."),
  ]);
  expect(found).toEqual([
    {
      level: "error",
      summary: "Missing required argument",
      detail: 'The argument "os" is required, but no definition was found.',
      file: "main.tf",
      line: 7,
    },
    { level: "error", summary: "Unsupported argument", detail: "Two\nlines.", file: "modules/a b/x.tf", line: 12 },
    { level: "warn", summary: "Deprecated", detail: "Use another." },
  ]);
});

test("what is said twice is shown once, and an endless log does not fill the page", () => {
  expect(findings([...say("error", "Error: A", "b"), ...say("error", "Error: A", "b")])).toHaveLength(1);
  expect(findings(say("error", ...Array.from({ length: 500 }, (_, i) => `Error: ${i}`)))).toHaveLength(100);
});

test("the error of a job leads to a place as well", () => {
  expect(findingOf('main.tf line 7: Missing required argument: The argument "os" is required.')).toEqual({
    level: "error",
    file: "main.tf",
    line: 7,
    summary: "Missing required argument",
    detail: 'The argument "os" is required.',
  });
  expect(findingOf("terraform was killed")).toBeUndefined();
});

test("the names of missing variables", () => {
  expect(missingVariables("The template needs values for these variables: a, token_2.")).toEqual(["a", "token_2"]);
  expect(missingVariables("Something else.")).toEqual([]);
});
