import type { Look } from "../look";

export const looks: Look[] = [
  {
    name: "setup",
    path: "/setup",
    empty: true,
    ready: (p) => p.getByRole("heading", { name: "Set up this server" }).waitFor(),
  },
  { name: "login", path: "/login", ready: (p) => p.getByLabel("Password").waitFor() },
  {
    name: "workspaces",
    path: "/workspaces",
    as: "alice",
    ready: (p) => p.getByRole("row", { name: /training-run/ }).waitFor(),
  },
  {
    name: "workspaces-empty",
    path: "/workspaces?filter=owner:me",
    as: "carol",
    ready: (p) => p.getByText("coder login").waitFor(),
  },
  {
    name: "workspaces-nothing",
    path: "/workspaces?filter=nope",
    as: "alice",
    ready: (p) => p.getByText("Nothing matches").waitFor(),
  },
  {
    name: "workspaces-picked",
    path: "/workspaces",
    as: "alice",
    ready: async (p) => {
      await p.getByLabel("Select api").click();
      await p.getByLabel("Select docs").click();
      await p.getByText("2 selected").waitFor();
    },
  },
  { name: "workspace", path: "/@alice/api", as: "alice", ready: (p) => p.getByText("41 %").waitFor() },
  {
    name: "workspace-log",
    path: "/@alice/api",
    as: "alice",
    ready: async (p) => {
      await p.getByRole("button", { name: "Logs", exact: true }).click();
      await p.getByText("<script>alert(1)</script>").waitFor();
    },
  },
  {
    name: "workspace-stopped",
    path: "/@alice/frontend",
    as: "alice",
    ready: (p) => p.getByText("The workspace is stopped").waitFor(),
  },
  {
    name: "workspace-failed",
    path: "/@alice/training-run",
    as: "alice",
    ready: (p) => p.getByText("Unsupported argument").waitFor(),
  },
  {
    name: "workspace-builds",
    path: "/@alice/api?tab=builds",
    as: "alice",
    ready: (p) => p.getByText("docker_container.workspace create").waitFor(),
  },
  {
    name: "workspace-parameters",
    path: "/@alice/api?tab=parameters",
    as: "alice",
    ready: (p) => p.getByLabel("Processors", { exact: true }).waitFor(),
  },
  {
    name: "workspace-update",
    path: "/@alice/docs?tab=update",
    as: "alice",
    prepare: (store) => {
      store.creation.loses = true;
    },
    ready: async (p) => {
      await p.getByRole("button", { name: "Review changes" }).click();
      await p.getByText("What is in it is lost.").waitFor();
    },
  },
  {
    name: "workspace-sharing",
    path: "/@alice/api?tab=sharing",
    as: "alice",
    prepare: (store) => {
      const w = store.workspaces.find((x) => x.name === "api")!;
      const bob = store.users.find((u) => u.username === "bob")!;
      store.creation.acl.set(w.id, { group: [], users: [{ id: bob.id, username: "bob", role: "use" }] });
      store.creation.shares.set(w.id, [
        { workspace_id: w.id, agent_name: "main", port: 3000, protocol: "http", share_level: "authenticated" },
      ]);
    },
    ready: async (p) => {
      await p.getByLabel("Role of bob").waitFor();
      await p.getByLabel("Protocol of main 3000").waitFor();
    },
  },
  {
    name: "workspace-settings",
    path: "/@alice/api?tab=settings",
    as: "alice",
    ready: (p) => p.getByRole("button", { name: "Rename" }).waitFor(),
  },
  {
    name: "workspace-delete",
    path: "/@alice/api?tab=settings",
    as: "alice",
    ready: async (p) => {
      await p.getByRole("button", { name: "Delete…" }).click();
      await p.getByLabel(/Only forget it/).click();
      await p.getByText("keeps running and costing").waitFor();
    },
  },
  {
    name: "palette",
    path: "/workspaces",
    as: "alice",
    ready: async (p) => {
      await p.getByRole("row", { name: /training-run/ }).waitFor();
      await p.keyboard.press("Control+k");
      await p.getByRole("option", { name: /frontend/ }).waitFor();
    },
  },
  {
    name: "usermenu",
    path: "/workspaces",
    as: "alice",
    ready: async (p) => {
      await p.getByRole("row", { name: /training-run/ }).waitFor();
      await p.getByRole("button", { name: "Menu of alice" }).click();
      await p.getByRole("menuitem", { name: "Sign out" }).waitFor();
    },
  },
  { name: "nowhere", path: "/@alice/gone", as: "alice", ready: (p) => p.getByText("Workspace not found").waitFor() },
];
