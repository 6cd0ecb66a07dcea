import { describe, expect, test } from "vitest";
import { catalogue, changed, choiceOf, countOf, inWords, levels, permissionsOf, sameChoice } from "./permissions";

const role = {
  site_permissions: null,
  user_permissions: [],
  organization_permissions: [
    { resource_type: "template", action: "update" },
    { resource_type: "template", action: "read" },
  ],
  organization_member_permissions: [{ resource_type: "workspace", action: "ssh" }],
};

describe("the permissions of a role", () => {
  test("go into a choice and come back the same", () => {
    const back = permissionsOf(choiceOf(role));
    expect(back.organization_permissions).toEqual([
      { resource_type: "template", action: "read" },
      { resource_type: "template", action: "update" },
    ]);
    expect(back.organization_member_permissions).toEqual(role.organization_member_permissions);
    expect(back.site_permissions).toEqual([]);
  });

  test("change at one level, and the choice before stays as it was", () => {
    const before = choiceOf(role);
    const after = changed(before, "organization_permissions", ["group:read", "template:read"], true);
    expect(countOf(before)).toBe(3);
    expect(countOf(after)).toBe(4);
    expect(sameChoice(before, after)).toBe(false);
    expect(sameChoice(before, changed(after, "organization_permissions", ["group:read"], false))).toBe(true);
  });

  test("are nothing where there is no role", () => {
    expect(levels.every((level) => choiceOf(undefined)[level].size === 0)).toBe(true);
  });
});

test("a catalogue has each resource once, in order", () => {
  const twice = [...role.organization_permissions, ...role.organization_permissions];
  expect(catalogue([{ resource_type: "workspace", action: "read" }, ...twice])).toEqual([
    ["template", ["update", "read"]],
    ["workspace", ["read"]],
  ]);
});

test("names of the API are readable", () => {
  expect(["audit_log", "ssh", "read_personal"].map(inWords)).toEqual(["Audit log", "SSH", "Read personal"]);
});
