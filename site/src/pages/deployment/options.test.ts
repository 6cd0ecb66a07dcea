import { expect, test } from "vitest";
import type { DeploymentOption } from "@/api/generated";
import { groupTitle, inGroups, shownValue } from "./options";

const option = (more: Partial<DeploymentOption>): DeploymentOption => ({
  name: "Session Duration",
  description: "How long a session lasts.",
  flag: "session-duration",
  env: "CODER_SESSION_DURATION",
  yaml: "sessionDuration",
  group: { name: "Sessions" },
  default: "24h",
  value: 86_400_000_000_000,
  value_source: "default",
  hidden: false,
  required: false,
  secret: false,
  ...more,
});

test.each([
  [{}, "1d"],
  [{ default: "512", value: 512 }, "512"],
  [{ value: true }, "On"],
  [{ value: ["a", "b"] }, "a\nb"],
  [{ value: [] }, "Not set"],
  [{ value: null, secret: true, value_source: "env" as const }, "Set, value withheld"],
  [{ value: null, secret: true, value_source: "" as const }, "Not set"],
  [{ value: "\u001b[31mred" }, "red"],
])("%j is shown as %j", (more, text) => {
  expect(shownValue(option(more)).text).toBe(text);
});

test("a secret that the server lets slip is not shown either", () => {
  expect(shownValue(option({ value: "hunter2", secret: true, value_source: "flag" })).text).not.toContain("hunter2");
});

test("a group stands below its parents, also when these go round", () => {
  const round = { name: "A" } as DeploymentOption["group"];
  round.parent = round;
  expect(groupTitle({ name: "B", parent: { name: "A" } })).toBe("A / B");
  expect(groupTitle(round).length).toBeLessThan(100);
});

test("a search looks into everything, all words must be there", () => {
  const options = [
    option({}),
    option({ name: "URL", env: "CODER_ACCESS_URL", flag: "access-url", value_source: "env" }),
  ];
  expect(inGroups(options, "coder_access url", false)[0]?.options.map((o) => o.name)).toEqual(["URL"]);
  expect(inGroups(options, "lasts 1d", false)[0]?.options).toHaveLength(2);
  expect(inGroups(options, "", true)[0]?.options.map((o) => o.name)).toEqual(["URL"]);
  expect(inGroups(options, "nothing of it", false)).toEqual([]);
});
