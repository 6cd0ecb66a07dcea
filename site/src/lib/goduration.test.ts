import { expect, test } from "vitest";
import { goDuration, looksLikeDuration, shortDuration } from "./goduration";

test.each([
  [86_400_000_000_000, "1d"],
  [9_000_000_000_000, "2h 30m"],
  [100_000_000, "100ms"],
  [0, "0s"],
  [17, "17ns"],
  [-1_500_000_000, "-1s 500ms"],
  [3_155_760_000_000_000_000, "36,525d"],
])("%d ns is %s", (ns, text) => {
  expect(goDuration(ns)).toBe(text);
});

test.each(["24h", "1h30m", "100ms", "1.5s"])("%s is a duration", (text) => {
  expect(looksLikeDuration(text)).toBe(true);
});

test.each(["", "24", "5 minutes", "10 h", "host:80"])("%j is none", (text) => {
  expect(looksLikeDuration(text)).toBe(false);
});

test.each([
  ["46.469µs", "46µs"],
  ["1.234ms", "1.2ms"],
  ["2s", "2s"],
  ["1m3.5s", "1m3.5s"],
])("%s is shortened to %s", (long, short) => {
  expect(shortDuration(long)).toBe(short);
});
