// @vitest-environment node
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { lifted, readFiles, unwanted } from "./archive";
import { TarError, writeTar } from "./tar";

// Written by Python's zipfile: a folder, a deflated and a stored file, one outside, a link, a comment.
const zip = new Uint8Array(
  Buffer.from(
    [
      "UEsDBBQAAAAAABq8dV0AAAAAAAAAAAAAAAACAAAAZC9QSwMEFAAAAAgAGrx1XQUgoWolAAAAWBsAAAkAAABkL21haW4udGbtxSEN",
      "AAAIADBPCjay0QBBfBLQ4DevnN6JkiRJkiRJkiRJkvR3UEsDBBQAAAAAABq8dV0dnfsECgAAAAoAAAAIAAAAZC9ydW4uc2gjIS9i",
      "aW4vc2gKUEsDBBQAAAAAABq8dV2DFtyMAQAAAAEAAAAFAAAALi4vdXB4UEsDBBQAAAAAAAAAIQDdqC8mBwAAAAcAAAAGAAAAZC9s",
      "aW5rbWFpbi50ZlBLAQIUAxQAAAAAABq8dV0AAAAAAAAAAAAAAAACAAAAAAAAAAAAEADtQQAAAABkL1BLAQIUAxQAAAAIABq8dV0F",
      "IKFqJQAAAFgbAAAJAAAAAAAAAAAAAACkgSAAAABkL21haW4udGZQSwECFAMUAAAAAAAavHVdHZ37BAoAAAAKAAAACAAAAAAAAAAA",
      "AAAA7YFsAAAAZC9ydW4uc2hQSwECFAMUAAAAAAAavHVdgxbcjAEAAAABAAAABQAAAAAAAAAAAAAAgAGcAAAALi4vdXBQSwECFAMU",
      "AAAAAAAAACEA3agvJgcAAAAHAAAABgAAAAAAAAAAAAAA/6HAAAAAZC9saW5rUEsFBgAAAAAFAAUABAEAAOsAAAAMAG1hZGUgYnkg",
      "aGFuZA==",
    ].join(""),
    "base64",
  ),
);

test("a zip of another program is read, what leads elsewhere is left out", async () => {
  const files = await readFiles(zip);
  expect(files.map((f) => [f.name, f.executable])).toEqual([
    ["d/main.tf", false],
    ["d/run.sh", true],
  ]);
  expect(files[0]!.text).toBe("# text\n".repeat(1000));
});

test("a tar in gzip is read as the tar", async () => {
  const files = await readFiles(new Uint8Array(gzipSync(writeTar([{ name: "main.tf", content: "x" }]))));
  expect(files.map((f) => f.text)).toEqual(["x"]);
});

test("a damaged archive is refused in words", async () => {
  await expect(readFiles(zip.slice(0, zip.length - 60))).rejects.toThrow(TarError);
  const broken = zip.slice();
  broken.fill(0xff, 60, 90);
  await expect(readFiles(broken)).rejects.toThrow("damaged");
  await expect(readFiles(new Uint8Array([0x1f, 0x8b, 1, 2, 3]))).rejects.toThrow("damaged");
});

test("a folder around everything goes, and what is no part of a template", () => {
  expect(lifted([{ name: "a/b/main.tf" }, { name: "a/b/c/x" }]).map((f) => f.name)).toEqual(["main.tf", "c/x"]);
  expect(lifted([{ name: "a/main.tf" }, { name: "README.md" }]).map((f) => f.name)).toEqual(["a/main.tf", "README.md"]);
  expect(["a/.git/x", ".terraform/y", "terraform.tfstate.backup", "main.tf"].map(unwanted)).toEqual([
    true,
    true,
    true,
    false,
  ]);
});
