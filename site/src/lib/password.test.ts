import { expect, test } from "vitest";
import { makePassword } from "./password";

test("a password that is made up is long, plain to type and never the same", () => {
  const many = new Set(Array.from({ length: 200 }, makePassword));
  expect(many.size).toBe(200);
  for (const password of many) expect(password).toMatch(/^[A-Za-z0-9_-]{20}$/);
});
