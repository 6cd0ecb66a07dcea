import type { Look } from "../look";

const docker = "/templates/default/docker";

export const looks: Look[] = [
  {
    name: "templates",
    path: "/templates",
    as: "alice",
    ready: (p) => p.getByRole("row", { name: /Docker container/ }).waitFor(),
  },
  {
    name: "templates-empty",
    path: "/templates",
    as: "alice",
    prepare: (store) => {
      store.templates = [];
    },
    ready: (p) => p.getByText("coder templates init my-template").waitFor(),
  },
  {
    name: "templates-nothing",
    path: "/templates?filter=nope",
    as: "alice",
    ready: (p) => p.getByText("Nothing matches").waitFor(),
  },
  {
    name: "templates-organizations",
    path: "/templates",
    as: "bob",
    prepare: (store) => {
      const [, vm] = store.templates;
      Object.assign(vm!, {
        organization_id: "o2",
        organization_name: "research",
        organization_display_name: "Research",
      });
    },
    ready: async (p) => {
      await p
        .getByRole("row", { name: /Research/ })
        .or(p.getByRole("row", { name: /Linux machine/ }))
        .first()
        .waitFor();
      await p.getByRole("button", { name: "New template" }).waitFor();
    },
  },
  {
    name: "template",
    path: docker,
    as: "alice",
    ready: (p) => p.getByRole("heading", { name: "What you get" }).waitFor(),
  },
  {
    name: "template-docs",
    path: `${docker}/docs`,
    as: "alice",
    ready: (p) => p.getByText("docker_volume.home").waitFor(),
  },
  {
    name: "template-files",
    path: `${docker}/files`,
    as: "alice",
    ready: (p) => p.getByText('data "coder_parameter" "region" {').waitFor(),
  },
  {
    name: "template-versions",
    path: `${docker}/versions?archived=true`,
    as: "alice",
    ready: (p) => p.getByRole("row", { name: /shelved_gauss3/ }).waitFor(),
  },
  {
    name: "template-version",
    path: `${docker}/versions/bold_ferris4?compare=brave_noether1`,
    as: "alice",
    ready: (p) => p.getByText("6 files differ").waitFor(),
  },
  {
    name: "template-version-failed",
    path: `${docker}/versions/calm_euler7`,
    as: "alice",
    ready: async (p) => {
      await p.getByText("Error: Missing name for resource").waitFor();
      await p.getByText("4 files differ").waitFor();
    },
  },
  {
    name: "template-embed",
    path: `${docker}/embed`,
    as: "alice",
    ready: (p) => p.getByLabel("Processors").fill("8"),
  },
  {
    name: "template-settings",
    path: `${docker}/settings`,
    as: "alice",
    ready: (p) => p.getByLabel("Display name").waitFor(),
  },
  {
    name: "template-settings-member",
    path: `${docker}/settings`,
    as: "bob",
    ready: (p) => p.getByText("You may not change this template").waitFor(),
  },
  {
    name: "template-variables",
    path: `${docker}/settings/variables`,
    as: "alice",
    ready: (p) => p.getByLabel("registry_password").waitFor(),
  },
  {
    name: "template-permissions",
    path: `${docker}/settings/permissions`,
    as: "alice",
    ready: (p) => p.getByLabel("Role of bob").waitFor(),
  },
  {
    name: "template-delete",
    path: docker,
    as: "alice",
    ready: async (p) => {
      await p.getByRole("button", { name: "More actions" }).click();
      await p.getByRole("menuitem", { name: "Delete…" }).click();
      await p.getByLabel("Type docker to confirm").waitFor();
    },
  },
  {
    name: "template-deprecated",
    path: "/templates/default/kubernetes-old",
    as: "alice",
    ready: (p) => p.getByText("The old cluster goes away").waitFor(),
  },
  {
    name: "template-odd",
    path: "/templates/default/odd",
    as: "alice",
    ready: (p) => p.getByRole("heading", { name: "<b>Odd</b> name" }).waitFor(),
  },
  {
    name: "template-nowhere",
    path: "/templates/default/gone",
    as: "alice",
    ready: (p) => p.getByText("Template not found").waitFor(),
  },
];
