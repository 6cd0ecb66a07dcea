import { expect, test } from "vitest";
import { readTar, writeTar } from "@/lib/tar";
import {
  archiveOf,
  changed,
  type Doc,
  draftOf,
  type Files,
  filesOf,
  firstOf,
  largestDraft,
  moved,
  restored,
  treeOf,
  without,
  withText,
  wrongPath,
} from "./model";

const picture = new Uint8Array([0x89, 0x50, 0, 1, 255]);
const base = filesOf(
  readTar(
    writeTar([
      { name: "main.tf", content: "# main\r\n" },
      { name: "build/Dockerfile", content: "FROM x\n" },
      { name: "build/run.sh", content: "#!/bin/sh\n", executable: true },
      { name: "img/logo.png", content: picture },
      { name: "large.txt", content: "x".repeat(600_000) },
    ]),
  ),
);
const bytes = (files: Files) => Buffer.from(writeTar(archiveOf(files))).toString("base64");

test("what nobody touches goes back byte for byte", () => {
  expect(bytes(base)).toEqual(bytes(filesOf(readTar(writeTar(archiveOf(base))))));
  expect("data" in base.get("img/logo.png")!).toBe(true);
  expect("data" in base.get("large.txt")!).toBe(true);
  const read = readTar(writeTar(archiveOf(withText(base, "main.tf", "# other"))));
  expect([...read.find((f) => f.name === "img/logo.png")!.data]).toEqual([...picture]);
  expect(read.find((f) => f.name === "build/run.sh")!.executable).toBe(true);
});

test("what differs is marked, until it does not differ", () => {
  const edited = withText(base, "main.tf", "x");
  expect([...changed(base, edited)]).toEqual(["main.tf"]);
  expect(changed(base, withText(edited, "main.tf", "# main\r\n")).size).toBe(0);
  expect([...changed(base, without(base, "build"))].sort()).toEqual(["build/Dockerfile", "build/run.sh"]);
});

test("a folder moves and goes with all in it", () => {
  const files = moved(base, "build", "docker/image");
  expect([...files.keys()].sort()).toEqual([
    "docker/image/Dockerfile",
    "docker/image/run.sh",
    "img/logo.png",
    "large.txt",
    "main.tf",
  ]);
  expect([...moved(base, "main.tf", "a/main.tf").keys()]).toContain("a/main.tf");
  expect(without(base, "build").size).toBe(3);
});

test("names that cannot be are refused", () => {
  for (const path of ["", "/a", "a/", "a//b", "../a", "a/./b", "a\\b", "a\u0000", "main.tf", "build", "main.tf/x"]) {
    expect(wrongPath(base, path), path).not.toBe("");
  }
  expect(wrongPath(base, "build/more/x.tf")).toBe("");
  expect(wrongPath(base, "x".repeat(600))).not.toBe("");
});

test("a draft is put over what it was made of", () => {
  const files = moved(without(withText(withText(base, "new.tf", "a"), "main.tf", "b"), "large.txt"), "img", "pictures");
  const again = restored(base, draftOf(base, files)!);
  expect(bytes(again)).toEqual(bytes(files));
  expect((again.get("pictures/logo.png") as Doc & { data: Uint8Array }).data).toEqual(picture);
});

test("a draft that is too large or none at all", () => {
  expect(draftOf(base, withText(base, "new.tf", "x".repeat(largestDraft)))).toBeUndefined();
  for (const text of [null, "", "{", "null", "[1]", '{"x":{"text":1}}']) {
    expect(bytes(restored(base, text))).toEqual(bytes(base));
  }
});

test("the tree has folders first", () => {
  const tree = treeOf(base.keys());
  expect(tree.map((n) => n.name)).toEqual(["build", "img", "large.txt", "main.tf"]);
  expect(tree[0]!.children!.map((n) => n.path)).toEqual(["build/Dockerfile", "build/run.sh"]);
  expect(firstOf(base)).toBe("main.tf");
  expect(firstOf(new Map())).toBeUndefined();
});
