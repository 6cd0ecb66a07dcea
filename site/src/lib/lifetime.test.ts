import { describe, expect, test } from "vitest";
import { lifetimes, nanoseconds, span } from "./lifetime";

const day = 86_400e9;

describe("lifetimes", () => {
  test("end with the longest that is allowed", () => {
    expect(lifetimes(7 * day).map((l) => l.text)).toEqual(["1 day", "7 days"]);
    expect(lifetimes(day / 2).map((l) => l.text)).toEqual(["12 hours"]);
    expect(lifetimes(100 * day).map((l) => l.days)).toEqual([1, 7, 30, 90, 100]);
  });
  test("without a limit are the usual ones", () => {
    expect(lifetimes(0).at(-1)?.text).toBe("365 days");
    expect(lifetimes(undefined)).toHaveLength(6);
  });
});

test("span says days, or hours", () => {
  expect([day, 1.5 * day, 3600e9, 90 * 60e9, 36_500 * day].map(span)).toEqual([
    "1 day",
    "1.5 days",
    "1 hour",
    "1.5 hours",
    "36,500 days",
  ]);
});

test("the longest is sent exactly as the server has it", () => {
  const odd = 7 * day - 1;
  expect(nanoseconds(odd / day, odd)).toBe(odd);
  expect(nanoseconds(30, 0)).toBe(30 * day);
  expect(JSON.stringify(nanoseconds(365, undefined))).toBe("31536000000000000");
});
