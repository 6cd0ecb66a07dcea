import { expect, test } from "vitest";
import { byDay, dayTitle, utcDay } from "./day";

const now = new Date(2026, 0, 2, 12, 0, 0).getTime();
const at = (day: number, hour: number) => new Date(2026, 0, day, hour).toISOString();

test("days are said as people say them", () => {
  expect(dayTitle(at(2, 0), now)).toBe("Today");
  expect(dayTitle(at(1, 23), now)).toBe("Yesterday");
  expect(dayTitle(new Date(2025, 11, 31, 23).toISOString(), now)).toMatch(/^Wednesday,? 31 December 2025$/);
  expect(dayTitle(at(3, 1), now)).toMatch(/^Saturday,? 3 January 2026$/);
  expect(dayTitle("<b>", now)).toBe("<b>");
});

test("rows stand under their days, in their order", () => {
  const rows = [at(2, 9), at(2, 8), at(1, 20)];
  expect(byDay(rows, (r) => r, now)).toEqual([
    { title: "Today", rows: rows.slice(0, 2) },
    { title: "Yesterday", rows: rows.slice(2) },
  ]);
});

test("days of a search are days of UTC", () => {
  expect(utcDay(Date.UTC(2026, 2, 1, 23, 59))).toBe("2026-03-01");
  expect(utcDay(Date.UTC(2026, 2, 1, 0, 0), 1)).toBe("2026-02-28");
});
