import { expect, test } from "vitest";
import type { PreviewParameter } from "@/api/generated";
import { against, bounds, fixedBecause, given, problems, refusedParameter } from "./rules";

const make = (name: string, more: Partial<PreviewParameter> = {}): PreviewParameter => ({
  name,
  display_name: "",
  description: "",
  type: "string",
  form_type: "input",
  styling: {},
  mutable: true,
  default_value: { value: "d", valid: true },
  icon: "",
  options: [],
  validations: [],
  required: false,
  order: 0,
  ephemeral: false,
  value: { value: "d", valid: true },
  diagnostics: [],
  ...more,
});
const rule = (min: number | null, max: number | null, monotonic: string | null) => [
  {
    validation_error: "",
    validation_min: min,
    validation_max: max,
    validation_monotonic: monotonic,
    validation_regex: null,
  },
];
const bad = [{ severity: "error", summary: "s", detail: "no such option", extra: { code: "" } }];

test("what cannot be changed is fixed, unless it has to be chosen again or is new", () => {
  const p = make("a", { mutable: false });
  expect(fixedBecause(p, undefined)).toBeUndefined();
  expect(fixedBecause(p, {})).toBeUndefined();
  expect(fixedBecause(p, { a: "1" })).toBeTruthy();
  expect(fixedBecause({ ...p, diagnostics: bad }, { a: "1" })).toBeUndefined();
  expect(fixedBecause(make("a", { styling: { disabled: true } }), undefined)).toBeTruthy();
});

test("a number that may only go one way is held to it", () => {
  const up = make("n", { type: "number", validations: rule(null, null, "increasing") });
  expect(against(up, "3", { n: "4" })).toBeTruthy();
  expect(against(up, "4", { n: "4" })).toBeUndefined();
  expect(against(up, "3", undefined)).toBeUndefined();
  const down = make("n", { type: "number", validations: rule(null, null, "decreasing") });
  expect(against(down, "5", { n: "4" })).toBeTruthy();
});

test("only what was said and is asked for is sent", () => {
  const answer = { id: 1, diagnostics: [], parameters: [make("a"), make("b"), make("c", { mutable: false })] };
  expect(given(answer, { a: "1", gone: "x", c: "2" }, { c: "1" })).toEqual([{ name: "a", value: "1" }]);
  expect(problems({ ...answer, parameters: [make("a", { diagnostics: bad })] }, {})).toEqual({ a: "no such option" });
});

test("an answer names its parameter", () => {
  expect(refusedParameter('parameter "cpus": 99 is too many')).toEqual({ name: "cpus", text: "99 is too many" });
  expect(refusedParameter("something else")).toBeUndefined();
});

test("a slider needs both ends", () => {
  expect(bounds(make("n", { validations: rule(1, 5, null) }))).toEqual({ min: 1, max: 5 });
  expect(bounds(make("n", { validations: rule(1, null, null) }))).toBeUndefined();
});
