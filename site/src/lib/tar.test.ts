// @vitest-environment node
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readTar, TarError, writeTar } from "./tar";

const long = `${"deep/".repeat(30)}${"n".repeat(120)}.tf`;
const files = [
  { name: "main.tf", content: 'resource "x" "y" {}\n' },
  { name: "a/b/run.sh", content: "#!/bin/sh\n", executable: true },
  { name: "a/ärger/日本.md", content: "häßlich\n" },
  { name: long, content: "long" },
  { name: `${"p".repeat(90)}/${"q".repeat(90)}`, content: "prefix" },
  { name: "empty", content: "" },
  { name: "picture", content: new Uint8Array([0x89, 0x50, 0, 1, 255]) },
];

test("what is written is read", () => {
  const read = readTar(writeTar(files));
  expect(read.map((f) => f.name)).toEqual(files.map((f) => f.name).sort());
  for (const file of files) {
    const got = read.find((f) => f.name === file.name)!;
    if (typeof file.content === "string") expect(got.text).toBe(file.content);
    else {
      expect(got.text).toBeUndefined();
      expect([...got.data]).toEqual([...file.content]);
    }
    expect(got.executable).toBe(file.executable ?? false);
  }
});

test("the same files give the same bytes, in any order", () => {
  expect(writeTar([...files].reverse())).toEqual(writeTar(files));
});

test("tar itself agrees, both ways and in its formats", () => {
  const dir = mkdtempSync(join(tmpdir(), "tar-"));
  try {
    writeFileSync(join(dir, "ours.tar"), writeTar(files));
    execFileSync("tar", ["-xf", "ours.tar"], { cwd: dir, env: { ...process.env, LC_ALL: "C.UTF-8" } });
    expect(readFileSync(join(dir, long), "utf8")).toBe("long");
    expect(readFileSync(join(dir, "a/ärger/日本.md"), "utf8")).toBe("häßlich\n");
    for (const format of ["gnu", "pax", "ustar"]) {
      const names = format === "ustar" ? ["main.tf", "a"] : ["main.tf", "a", "deep"];
      execFileSync("tar", [`--format=${format}`, "-cf", "theirs.tar", ...names.map((n) => `./${n}`)], { cwd: dir });
      const got = readTar(new Uint8Array(readFileSync(join(dir, "theirs.tar"))));
      expect(got.map((f) => f.name)).toContain("a/ärger/日本.md");
      if (format !== "ustar") expect(got.find((f) => f.name === long)?.text).toBe("long");
      expect(got.find((f) => f.name === "a/b/run.sh")?.executable).toBe(true);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("names that lead elsewhere, links and folders are left out", () => {
  const bytes = writeTar([{ name: "xx/passwd", content: "x" }]);
  const edit = (change: (head: Uint8Array) => void) => {
    const copy = bytes.slice();
    change(copy);
    let sum = 0;
    for (let i = 0; i < 512; i++) sum += i >= 148 && i < 156 ? 32 : copy[i]!;
    copy.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
    return copy;
  };
  expect(readTar(edit((h) => h.set([46, 46], 0)))).toEqual([]); // ../passwd
  expect(readTar(edit((h) => h.set([0x32], 156)))).toEqual([]); // a symbolic link
  expect(readTar(edit((h) => h.set([0x35], 156)))).toEqual([]); // a folder
  expect(() => readTar(edit((h) => h.set(new TextEncoder().encode("77777777777"), 124)))).toThrow("ends too early");
  expect(() => readTar(edit((h) => h.set(new TextEncoder().encode("zz"), 124)))).toThrow(TarError);
  expect(() => writeTar([{ name: "../x", content: "" }])).toThrow(TarError);
});

test("what is no archive is refused", () => {
  expect(() => readTar(new Uint8Array(1024).fill(65))).toThrow(TarError);
  expect(() => readTar(new TextEncoder().encode("<html>".repeat(200)))).toThrow(TarError);
  expect(readTar(new Uint8Array(0))).toEqual([]);
  expect(readTar(new Uint8Array(1024))).toEqual([]);
});
