import { expect, test } from "vitest";
import type { Template } from "@/api/generated";
import { filterTemplates } from "./filter";

const template = (name: string, more: Partial<Template> = {}) =>
  ({ name, display_name: "", description: "", organization_name: "default", deprecated: false, ...more }) as Template;
const all = [
  template("docker", { display_name: "Docker Container", description: "Ubuntu on this host" }),
  template("vm", { organization_name: "research" }),
  template("old", { deprecated: true }),
];
const names = (text: string) => filterTemplates(all, text).found.map((t) => t.name);

test.each([
  ["", ["docker", "vm", "old"]],
  ["container UBUNTU", ["docker"]],
  ["name:d", ["docker", "old"]],
  ["organization:research", ["vm"]],
  ["deprecated:false organization:default", ["docker"]],
  ["nope", []],
])("%s", (text, found) => {
  expect(names(text)).toEqual(found);
});

test("what is no filter is said, and hides nothing", () => {
  expect(filterTemplates(all, "color:blue")).toEqual({ found: all, error: expect.stringContaining('"color"') });
  expect(filterTemplates(all, "deprecated:maybe").error).toContain("true or false");
});
