import { expect, test } from "vitest";
import { accessNotices } from "./access";
import { words } from "./texts";

test.each([
  ["https://dev.example.com", "https://dev.example.com", []],
  ["https://dev.example.com/coder/", "https://dev.example.com/coder", []],
  ["http://dev.example.com", "http://dev.example.com", [words.httpNotice]],
  ["http://127.0.0.1:3000", "http://127.0.0.1:3000", [words.loopbackNotice]],
  ["http://[::1]:3000", "http://[::1]:3000", [words.loopbackNotice]],
  ["https://dev.example.com", "http://10.0.0.3:3000", [words.otherNotice("http://10.0.0.3:3000")]],
  ["", "http://127.0.0.1:3000", []],
  ["nonsense", "http://127.0.0.1:3000", []],
])("%s seen from %s", (access, here, notices) => {
  expect(accessNotices(access, here)).toEqual(notices);
});
