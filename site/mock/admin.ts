import type { User } from "../src/api/generated";
import { readSearch } from "../src/lib/search";
import { mockMay } from "./authcheck";
import { type Handlers, invalid, notFound } from "./handler";

/** mustRead hides what the person may not read. */
function mustRead(user: User, resource_type: string, what: string, any_org = false) {
  if (!mockMay(user, { action: "read", object: { resource_type, any_org } })) throw notFound(what);
}

/** termsOf reads a search as the server does: key:value alone, of known keys. */
function termsOf(q: string, keys: string[]): Record<string, string> {
  const { words, terms } = readSearch(q);
  const list = keys.join(", ");
  if (words) throw invalid("q", `"${words.split(" ")[0]}" is not of the form key:value; keys are ${list}.`);
  for (const key of Object.keys(terms))
    if (!keys.includes(key)) throw invalid("q", `filter "${key}" is unknown; use ${list}.`);
  return terms;
}

/** within narrows by days and times of UTC; a last day is included. */
function within(at: string, from: string | undefined, to: string | undefined): boolean {
  if (from && at < from) return false;
  return !to || at < (to.length === 10 ? `${to}T24` : to);
}

function pageOf<T extends { id: string }>(rows: T[], query: Partial<Record<string, string>>): T[] {
  const start = query.after_id ? rows.findIndex((row) => row.id === query.after_id) + 1 : Number(query.offset ?? 0);
  return rows.slice(start, start + (Number(query.limit) || 100));
}

const auditKeys = [
  "resource_type",
  "resource_id",
  "resource_target",
  "action",
  "username",
  "email",
  "organization",
  "request_id",
  "build_reason",
  "date_from",
  "date_to",
];
const connectionKeys = [
  "organization",
  "workspace_owner",
  "workspace_owner_email",
  "type",
  "username",
  "user_email",
  "connected_after",
  "connected_before",
  "workspace_id",
  "connection_id",
  "status",
];
const counted = { count_cap: 10_000 };

export const admin: Handlers = {
  "GET /api/v2/audit": ({ store, query, user }) => {
    mustRead(user, "audit_log", "Audit log", true);
    const t = termsOf(query.q ?? "", auditKeys);
    const same = (key: string, value: string | undefined) => !t[key] || t[key] === value;
    const rows = store.admin.audit.filter(
      (e) =>
        same("action", e.action) &&
        same("resource_type", e.resource_type) &&
        same("resource_id", e.resource_id) &&
        same("resource_target", e.resource_target) &&
        same("username", e.username) &&
        same("request_id", e.request_id) &&
        same("organization", e.organization?.name) &&
        within(e.time, t.date_from, t.date_to),
    );
    return { audit_logs: pageOf(rows, query), count: rows.length, ...counted };
  },
  "GET /api/v2/connectionlog": ({ store, query, user }) => {
    mustRead(user, "connection_log", "Connection log", true);
    const t = termsOf(query.q ?? "", connectionKeys);
    const same = (key: string, value: string | undefined) => !t[key] || t[key] === value;
    const rows = store.admin.connections.filter(
      (c) =>
        same("type", c.type) &&
        same("workspace_owner", c.workspace_owner_username) &&
        same("workspace_id", c.workspace_id) &&
        same("username", c.web_info?.user?.username) &&
        same("status", c.ssh_info && !c.ssh_info.disconnect_time ? "ongoing" : "completed") &&
        within(c.connect_time, t.connected_after, t.connected_before),
    );
    return { connection_logs: pageOf(rows, query), count: rows.length, ...counted };
  },
  "GET /api/v2/debug/health": ({ store, query, user }) => {
    mustRead(user, "debug_info", "Health");
    store.admin.checks++;
    return query.force ? { ...store.admin.health, time: new Date().toISOString() } : store.admin.health;
  },
  "GET /api/v2/deployment/config": ({ store, user }) => {
    mustRead(user, "deployment_config", "Deployment config");
    return store.admin.config;
  },
  "GET /api/v2/deployment/stats": ({ user, store }) => {
    mustRead(user, "deployment_stats", "Deployment stats");
    const of = (status: string) => store.workspaces.filter((w) => w.latest_build.status === status).length;
    return {
      aggregated_from: new Date(Date.now() - 3_600_000).toISOString(),
      collected_at: new Date().toISOString(),
      next_update_at: new Date(Date.now() + 30_000).toISOString(),
      session_count: { jetbrains: 0, reconnecting_pty: 2, ssh: 5, vscode: 3 },
      workspaces: {
        building: of("starting") + of("stopping"),
        failed: of("failed"),
        pending: of("pending"),
        running: of("running"),
        stopped: of("stopped"),
        connection_latency_ms: { p50: 3.4, p95: 41 },
        rx_bytes: 1_834_000_000,
        tx_bytes: 72_400_000,
      },
    };
  },
  "GET /api/v2/deployment/ssh": () => ({
    hostname_prefix: "coder.",
    hostname_suffix: "coder",
    ssh_config_options: { ForwardAgent: "yes" },
  }),
  "GET /api/v2/entitlements": () => ({
    errors: [],
    warnings: [],
    has_license: false,
    trial: false,
    require_telemetry: false,
    refreshed_at: new Date().toISOString(),
    features: Object.fromEntries(
      ["audit_log", "browser_only", "connection_log", "custom_roles", "multiple_organizations", "template_rbac"].map(
        (name) => [name, { entitlement: "entitled" as const, enabled: name !== "browser_only" }],
      ),
    ),
  }),
  "GET /api/v2/experiments": () => [],
  "GET /api/v2/experiments/available": () => [],
  "GET /api/v2/replicas": ({ user }) => {
    mustRead(user, "replicas", "Replicas");
    const [a, b, c] = [1, 2, 3].map((n) => `70000000-0000-4000-8000-00000000000${n}`) as [string, string, string];
    const one = (id: string, hostname: string, latencies: Record<string, number>) => ({
      id,
      hostname,
      latencies,
      created_at: new Date(Date.now() - 86_400_000).toISOString(),
      updated_at: new Date().toISOString(),
      relay_address: `http://${hostname}:3000`,
      region_id: 999,
      error: "",
      database_latency: 840,
      version: "v2.35.1",
    });
    const gone = { ...one(c, "node-3", {}), stopped_at: new Date(Date.now() - 600_000).toISOString() };
    return [one(a, "node-1", { [b]: 420 }), one(b, "node-2", { [a]: 390 }), gone];
  },
  "GET /api/v2/regions": () => ({
    regions: [
      {
        id: "22222222-2222-4222-8222-222222222222",
        name: "primary",
        display_name: "Primary",
        healthy: true,
        icon_url: "",
        path_app_url: "https://dev.example.test",
        wildcard_hostname: "*.apps.example.test",
      },
    ],
  }),
  "GET /api/v2/workspaceagents/connection": () => ({
    derp_force_websockets: false,
    disable_direct_connections: false,
    hostname_suffix: "coder",
    derp_map: {
      block_direct: false,
      force_websockets: false,
      regions: {
        "999": {
          id: 999,
          code: "coder",
          name: "Embedded relay",
          nodes: [
            { name: "999-0", url: "", stun: "stun.l.google.com:19302" },
            { name: "999-1", url: "", stun: "stun1.l.google.com:19302" },
          ],
        },
      },
    },
  }),
};
