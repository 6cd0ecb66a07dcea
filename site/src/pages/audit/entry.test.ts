import { expect, test } from "vitest";
import type { AuditLog } from "@/api/generated";
import { changesOf } from "./changes";
import { placeOf } from "./place";

const entry = (type: string, target: string, link: string, more: object = {}) =>
  ({
    resource_type: type,
    resource_target: target,
    resource_link: link,
    is_deleted: false,
    organization: { id: "", name: "default", display_name: "", icon: "" },
    ...more,
  }) as AuditLog;

test.each([
  [entry("workspace", "dev", "/@ann/dev"), "/@{$owner}/$name"],
  [entry("template", "docker", "/templates/docker"), "/templates/$organization/$template"],
  [
    entry("template_version", "v1", "/templates/docker/versions/v1"),
    "/templates/$organization/$template/versions/$version",
  ],
  [entry("user", "ann", "/users?filter=ann"), "/deployment/users/$user"],
  [entry("group", "team", ""), "/organizations/$organization/groups/$group"],
  [entry("organization", "default", "/organizations/default"), "/organizations/$organization"],
  [entry("workspace", "dev", "/@ann/dev", { is_deleted: true }), undefined],
  [entry("template", "docker", "/templates/docker", { organization: undefined }), undefined],
  [entry("file", "abc", ""), undefined],
  [entry("workspace", "dev", "javascript:alert(1)"), undefined],
  [entry("workspace", "dev", "https://evil.example/@ann/dev"), undefined],
  [entry("workspace", "dev", "/%E0%A4%A/x"), undefined],
])("%o", (given, to) => {
  expect(placeOf(given)?.to).toBe(to);
});

test("a build leads to itself in its workspace", () => {
  expect(placeOf(entry("workspace_build", "dev", "/@ann/dev/builds/7"))).toEqual({
    to: "/@{$owner}/$name",
    params: { owner: "ann", name: "dev" },
    search: { tab: "builds", build: 7 },
  });
});

test("a diff is read whatever it is made of", () => {
  expect(changesOf(null)).toEqual([]);
  expect(changesOf(["x"])).toEqual([]);
  expect(changesOf({ a: 1, b: null })).toEqual([]);
  expect(changesOf({ b: { old: 0, new: false }, a: { old: "", new: "x", secret: true } })).toEqual([
    { field: "a", before: "", after: "x", secret: true },
    { field: "b", before: "0", after: "false", secret: false },
  ]);
});
