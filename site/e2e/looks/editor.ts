import { editable, editor } from "../editing";
import type { Look } from "../look";

const open = async (p: Parameters<Look["ready"]>[0]) => {
  await p.getByRole("textbox", { name: "Text of main.tf" }).getByText("required_providers").waitFor();
};

export const looks: Look[] = [
  {
    name: "newtemplate",
    path: "/templates/new",
    as: "alice",
    ready: (p) => p.getByRole("button", { name: "Use Docker containers" }).waitFor(),
  },
  {
    name: "newtemplate-form",
    path: "/templates/new?from=docker",
    as: "alice",
    ready: async (p) => {
      await p.getByLabel("Name", { exact: true }).waitFor();
      await p.getByText("Provisioner tags and variables").click();
      await p.getByRole("button", { name: "Create template" }).click();
      await p.getByText("The first version is built").waitFor();
      await p.getByText("has a template docker already").waitFor();
    },
  },
  { name: "editor", path: editor, as: "alice", prepare: editable, ready: open },
  {
    name: "editor-failed",
    path: editor,
    as: "alice",
    prepare: editable,
    ready: async (p) => {
      await open(p);
      await p.getByRole("textbox", { name: "Text of main.tf" }).click();
      await p.keyboard.press("Control+End");
      await p.keyboard.type("oss = 1");
      await p.keyboard.press("Control+s");
      await p.getByRole("status").getByText("Failed", { exact: true }).waitFor();
      await p.getByRole("button", { name: /main\.tf:\d+/ }).click();
      await p.keyboard.type("#");
    },
  },
  {
    name: "editor-preview",
    path: `${editor}?tab=preview&file=img/logo.png`,
    as: "alice",
    prepare: editable,
    ready: (p) => p.getByText("docker_volume.home").waitFor(),
  },
  {
    name: "editor-publish",
    path: editor,
    as: "alice",
    prepare: editable,
    ready: async (p) => {
      await open(p);
      await p.getByRole("button", { name: "Build", exact: true }).click();
      await p.getByRole("status").getByText("Built", { exact: true }).waitFor();
      await p.getByRole("button", { name: "Publish" }).click();
      await p.getByRole("dialog", { name: "Publish this version" }).waitFor();
    },
  },
];
