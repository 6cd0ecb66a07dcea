export const words = {
  title: "Connection log",
  intro:
    "Who was connected to which workspace, by what, and how it ended. Agents report SSH, editors and ports of their own workspace.",
  count: (n: number, capped: boolean) =>
    capped
      ? `${n.toLocaleString("en")} connections or more`
      : n === 1
        ? "1 connection"
        : `${n.toLocaleString("en")} connections`,
  search: "Search the connection log",
  placeholder: "workspace_owner:ann type:ssh connected_after:2026-01-31",
  loadFailed: "The connection log cannot be shown",
  emptyTitle: "No connections yet",
  emptyText: "SSH sessions, editors, terminals, applications and forwarded ports show up here when they begin.",
  noMatchTitle: "Nothing matches",
  noMatchText: "No connection that you may read is like this. Days in a search are days of UTC.",
  types: "Type",
  allTypes: "All types",
  states: "State",
  allStates: "Open and ended",
  details: (what: string) => `Details: ${what}`,
  open: "Open",
  ended: "Ended",
  code: (n: number) => `Code ${n}`,
  to: "to",
  somebody: "Somebody",
  from: (ip: string) => `from ${ip}`,
  forFor: (time: string) => `for ${time}`,
  began: "Began",
  finished: "Ended",
  lasted: "Lasted",
  stillOpen: "It is open.",
  person: "Person",
  workspace: "Workspace",
  agent: "Agent",
  organization: "Organization",
  what: "What",
  address: "Address",
  program: "Program",
  reason: "Reason",
  exitCode: "Exit code",
  status: "Status",
  connection: "Connection",
  onlyWorkspace: "Only this workspace",
  onlyOwner: "Only workspaces of this owner",
} as const;

export const terms = [
  ["workspace_owner:ann", "Connections to workspaces of this person; workspace_owner_email: by address. me is you."],
  ["type:ssh", "One of the list beside the search."],
  ["status:ongoing", "What is open now; status:completed for what has ended."],
  ["username:ann", "Who opened it in a browser; user_email: by address."],
  [
    "connected_after:2026-01-31 connected_before:2026-02-01",
    "Between two days, both included, or two times such as 2026-01-31T12:00:00Z.",
  ],
  ["organization:default", "In which organization, by name or id."],
  ["workspace_id:… connection_id:…", "One workspace, or one connection."],
] as const;

export const types = [
  ["ssh", "SSH"],
  ["vscode", "VS Code"],
  ["jetbrains", "JetBrains"],
  ["reconnecting_pty", "Terminal"],
  ["workspace_app", "Application"],
  ["port_forwarding", "Forwarded port"],
] as const;

export const states = [
  ["ongoing", "Open"],
  ["completed", "Ended"],
] as const;
