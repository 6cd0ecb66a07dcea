import type { Page } from "playwright-core";
import type { Look } from "../look";

const row = (name: RegExp) => (p: Page) => p.getByRole("row", { name }).first().waitFor();
const heading = (name: string) => (p: Page) => p.getByRole("heading", { name, exact: true }).waitFor();

export const looks: Look[] = [
  { name: "users", path: "/deployment/users", as: "alice", ready: row(/mallory/) },
  {
    name: "users-picked",
    path: "/deployment/users",
    as: "alice",
    ready: async (p) => {
      await p.getByLabel("Select bob").click();
      await p.getByLabel("Select mallory").click();
      await p.getByText("2 selected").waitFor();
    },
  },
  {
    name: "users-nobody",
    path: "/deployment/users?q=nobody",
    as: "alice",
    ready: (p) => p.getByText("Nobody matches").waitFor(),
  },
  {
    name: "users-new",
    path: "/deployment/users",
    as: "alice",
    ready: async (p) => {
      await p.getByRole("button", { name: "New user" }).click();
      await p.getByLabel("Password", { exact: true }).fill("aaaaaaaa");
      await p.getByText("Use at least 5 different characters.").waitFor();
    },
  },
  { name: "user", path: "/deployment/users/bob", as: "alice", ready: (p) => p.getByText("25 of 40 used").waitFor() },
  {
    name: "user-hostile",
    path: "/deployment/users/mallory",
    as: "alice",
    ready: (p) => p.getByText("They cannot sign in, and").waitFor(),
  },
  {
    name: "user-suspend",
    path: "/deployment/users/grace",
    as: "alice",
    ready: async (p) => {
      await p.getByRole("button", { name: "Suspend…" }).click();
      await p.getByRole("dialog").getByText("All sessions and tokens end").waitFor();
    },
  },
  {
    name: "user-delete",
    path: "/deployment/users/grace",
    as: "alice",
    ready: async (p) => {
      await p.getByRole("button", { name: "Delete…" }).click();
      await p.getByLabel("Type grace to confirm").fill("grac");
    },
  },
  { name: "members", path: "/organizations/default", as: "alice", ready: row(/mallory/) },
  {
    name: "members-switch",
    path: "/organizations/default",
    as: "alice",
    ready: async (p) => {
      await p.getByRole("button", { name: /Switch organization/ }).click();
      await p.getByRole("menuitem", { name: "Research lab" }).waitFor();
    },
  },
  {
    name: "members-roles",
    path: "/organizations/default",
    as: "alice",
    ready: async (p) => {
      await p.getByRole("button", { name: "Actions for carol" }).click();
      await p.getByRole("menuitem", { name: "Edit roles…" }).click();
      await p.getByRole("dialog").getByLabel("Template pusher").waitFor();
    },
  },
  {
    name: "members-add",
    path: "/organizations/research-lab",
    as: "alice",
    ready: async (p) => {
      await p.getByRole("button", { name: "Add member" }).click();
      await p.getByRole("combobox", { name: "Username" }).fill("a");
      await p.getByRole("option", { name: /grace/ }).waitFor();
    },
  },
  {
    name: "members-remove",
    path: "/organizations/default",
    as: "alice",
    ready: async (p) => {
      await p.getByRole("button", { name: "Actions for bob" }).click();
      await p.getByRole("menuitem", { name: "Remove…" }).click();
      await p.getByRole("dialog").getByText("Their own workspaces stay").waitFor();
    },
  },
  { name: "groups", path: "/organizations/default/groups", as: "alice", ready: row(/Platform team/) },
  {
    name: "groups-empty",
    path: "/organizations/research-lab/groups",
    as: "alice",
    ready: (p) => p.getByText("No other group yet").waitFor(),
  },
  {
    name: "group",
    path: "/organizations/default/groups/platform",
    as: "alice",
    ready: (p) => p.getByRole("button", { name: "Remove bob from the group" }).waitFor(),
  },
  {
    name: "group-everyone",
    path: "/organizations/default/groups/Everyone",
    as: "alice",
    ready: (p) => p.getByText("mallory").first().waitFor(),
  },
  { name: "roles", path: "/organizations/default/roles", as: "alice", ready: row(/Template pusher/) },
  {
    name: "roles-empty",
    path: "/organizations/research-lab/roles",
    as: "alice",
    ready: (p) => p.getByText("No custom role yet").waitFor(),
  },
  {
    name: "role",
    path: "/organizations/default/roles?role=pusher",
    as: "alice",
    ready: (p) =>
      p
        .getByRole("row", { name: /Workspace/ })
        .first()
        .waitFor(),
  },
  {
    name: "role-builtin",
    path: "/organizations/default/roles?role=organization-admin",
    as: "alice",
    ready: (p) =>
      p
        .getByRole("row", { name: /Workspace/ })
        .first()
        .waitFor(),
  },
  { name: "organization", path: "/organizations/default/settings", as: "alice", ready: heading("Quota") },
  {
    name: "organization-plain",
    path: "/organizations/default/settings",
    as: "carol",
    ready: async (p) => {
      await p.getByLabel("All workspaces").waitFor();
    },
  },
  { name: "organization-new", path: "/organizations/new", as: "alice", ready: heading("New organization") },
  {
    name: "organization-nowhere",
    path: "/organizations/gone",
    as: "alice",
    ready: (p) => p.getByText("Organization not found").waitFor(),
  },
];
