import type { Look } from "../look";

export const looks: Look[] = [
  {
    name: "deployment",
    path: "/deployment/overview",
    as: "alice",
    ready: (p) => p.getByText("CODER_PROVISIONER_DAEMONS").waitFor(),
  },
  {
    name: "deployment-search",
    path: "/deployment/overview?search=networking",
    as: "alice",
    ready: async (p) => {
      await p.getByText("4 of 9 options").waitFor();
      await p.getByText("CODER_DERP_SERVER_STUN_ADDRESSES").scrollIntoViewIfNeeded();
    },
  },
  {
    name: "deployment-hostile",
    path: "/deployment/overview?search=cli-upgrade",
    as: "alice",
    ready: (p) => p.getByText('<script>alert("up")</script>').scrollIntoViewIfNeeded(),
  },
  {
    name: "deployment-refused",
    path: "/deployment/overview",
    as: "bob",
    ready: (p) => p.getByText("The options cannot be shown").waitFor(),
  },
  {
    name: "included",
    path: "/deployment/licenses",
    as: "alice",
    ready: (p) => p.getByRole("heading", { name: "Custom roles" }).waitFor(),
  },
  { name: "health", path: "/health", as: "alice", ready: (p) => p.getByText("Code ESTUN01").waitFor() },
  {
    name: "health-broken",
    path: "/health",
    as: "alice",
    prepare: (store) => {
      const { health } = store.admin;
      health.severity = "error";
      health.healthy = false;
      health.database = {
        ...health.database,
        healthy: false,
        reachable: false,
        severity: "error",
        error: "EDB01: The database does not answer; the log of the server has the reason.",
        warnings: [{ code: "EDB01", message: "The database does not answer; the log of the server has the reason." }],
      };
    },
    ready: (p) => p.getByText("Something is broken").waitFor(),
  },
  { name: "audit", path: "/audit", as: "alice", ready: (p) => p.getByText(/^\d+ entries$/).waitFor() },
  {
    name: "audit-open",
    path: "/audit?filter=resource_type%3Atemplate",
    as: "alice",
    ready: async (p) => {
      await p.getByRole("button", { name: /^Details: alice changed template docker/ }).click();
      await p.getByText("u:bob:admin").waitFor();
    },
  },
  {
    name: "audit-hostile",
    path: "/audit?filter=action%3Acreate",
    as: "alice",
    ready: async (p) => {
      await p.getByRole("button", { name: /^Details: bob created/ }).click();
      await p
        .getByText(/more characters/)
        .first()
        .waitFor();
    },
  },
  {
    name: "audit-words",
    path: "/audit",
    as: "alice",
    ready: async (p) => {
      await p.getByText(/^\d+ entries$/).waitFor();
      await p.getByRole("button", { name: "Words of the search" }).click();
      await p.getByRole("dialog").getByText("request_id:…").waitFor();
    },
  },
  {
    name: "audit-nothing",
    path: "/audit?filter=username%3Anobody",
    as: "alice",
    ready: (p) => p.getByText("Nothing matches").waitFor(),
  },
  {
    name: "connectionlog",
    path: "/connectionlog",
    as: "alice",
    ready: (p) => p.getByText("5 connections").waitFor(),
  },
  {
    name: "connectionlog-open",
    path: "/connectionlog?filter=type%3Aport_forwarding",
    as: "alice",
    ready: async (p) => {
      await p.getByRole("button", { name: "Details: Forwarded port to bob/bobs-lab" }).click();
      await p.getByText("255", { exact: true }).waitFor();
    },
  },
  {
    name: "shortcuts",
    path: "/audit",
    as: "alice",
    ready: async (p) => {
      await p.getByText(/^\d+ entries$/).waitFor();
      await p.keyboard.press("?");
      await p.getByRole("dialog", { name: "Keyboard shortcuts" }).getByText("Go to Deployment").waitFor();
    },
  },
];
