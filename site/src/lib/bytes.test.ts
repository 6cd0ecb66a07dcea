import { expect, test } from "vitest";
import { bytes } from "./bytes";

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1536, "1.5 KiB"],
  [200 * 1024 * 1024, "200 MiB"],
  [3 * 1024 ** 6, "3072 PiB"],
  [-1, "–"],
  [undefined, "–"],
])("%s bytes are %s", (n, text) => {
  expect(bytes(n)).toBe(text);
});
