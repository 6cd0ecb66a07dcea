import { randomUUID } from "node:crypto";
import type {
  AuditLog,
  ConnectionLog,
  DeploymentConfig,
  DeploymentOption,
  HealthReport,
  HealthSection,
  User,
} from "../src/api/generated";

/** What the mock knows of the deployment and its logs. */
export interface AdminStore {
  audit: AuditLog[];
  connections: ConnectionLog[];
  config: DeploymentConfig;
  health: HealthReport;
  /** checks counts how often the health was checked. */
  checks: number;
}

const minute = 60_000;
const organization = { id: "11111111-1111-4111-8111-111111111111", name: "default", display_name: "Default", icon: "" };
const noId = "00000000-0000-0000-0000-000000000000";

/** auditEntry is an entry so many milliseconds old. */
export function auditEntry(
  by: User,
  age: number,
  action: string,
  type: string,
  target: string,
  more: Partial<AuditLog>,
) {
  const done: Record<string, string> = { create: "created", write: "changed", delete: "deleted", start: "started" };
  const entry: AuditLog = {
    id: randomUUID(),
    request_id: randomUUID(),
    time: new Date(Date.now() - age).toISOString(),
    organization_id: organization.id,
    organization,
    ip: "192.0.2.17",
    user_agent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
    user_id: by.id,
    username: by.username,
    user: by,
    resource_type: type,
    resource_id: randomUUID(),
    resource_target: target,
    resource_icon: "",
    resource_link: "",
    is_deleted: false,
    action,
    description: `${by.username} ${done[action] ?? `did ${action} to`} ${type.replaceAll("_", " ")} ${target}`,
    status_code: 200,
    diff: {},
    additional_fields: {},
    ...more,
  };
  return entry;
}

const changed = (before: unknown, after: unknown, secret = false) => ({ old: before, new: after, secret });

function auditOf(alice: User, bob: User): AuditLog[] {
  const evil = "<img src=x onerror=alert(1)>\u001b[31m\u202egnp.exe";
  const entries = [
    auditEntry(alice, 2 * minute, "stop", "workspace_build", "api", {
      description: "alice stopped workspace api",
      resource_link: "/@alice/api/builds/2",
      additional_fields: { build_number: 2, build_reason: "initiator", workspace_name: "api" },
    }),
    auditEntry(alice, 9 * minute, "write", "template", "docker", {
      resource_link: "/templates/docker",
      diff: {
        default_ttl: changed(0, 28_800_000_000_000),
        description: changed("", "A container on this host.\nWith a home volume."),
        acl: changed(["g:everyone:use"], ["g:everyone:use", "u:bob:admin"]),
        deprecated: changed("Use docker-v2", ""),
      },
    }),
    auditEntry(bob, 34 * minute, "login", "user", "bob", {
      description: "bob failed to sign in",
      status_code: 401,
      ip: "2001:db8::1f",
      organization: undefined,
      organization_id: noId,
    }),
    auditEntry(bob, 80 * minute, "write", "user", "bob", {
      resource_link: "/users?filter=bob",
      diff: { hashed_password: changed("", "", true), name: changed("", "Bob Baker") },
      organization: undefined,
      organization_id: noId,
    }),
    auditEntry(alice, 26 * 60 * minute, "delete", "workspace", "old-box", { is_deleted: true }),
    auditEntry(bob, 27 * 60 * minute, "create", "workspace", evil, {
      user_agent: `Evil/1.0 ${evil} ${"x".repeat(3000)}`,
      diff: { name: changed(null, evil), [evil]: changed("a".repeat(5000), { nested: ["<b>", 1, null] }) },
    }),
    auditEntry(alice, 51 * 60 * minute, "create", "group", "backend", {}),
  ];
  return entries;
}

function connectionsOf(alice: User, bob: User): ConnectionLog[] {
  const one = (age: number, more: Partial<ConnectionLog>): ConnectionLog => ({
    id: randomUUID(),
    connect_time: new Date(Date.now() - age).toISOString(),
    agent_name: "main",
    ip: "192.0.2.17",
    organization,
    type: "ssh",
    workspace_id: randomUUID(),
    workspace_name: "api",
    workspace_owner_id: alice.id,
    workspace_owner_username: alice.username,
    ...more,
  });
  const after = (age: number) => new Date(Date.now() - age).toISOString();
  return [
    one(3 * minute, { ssh_info: { connection_id: randomUUID() } }),
    one(20 * minute, {
      type: "reconnecting_pty",
      ssh_info: { connection_id: randomUUID() },
      web_info: { user: bob, slug_or_port: "", status_code: 0, user_agent: "Mozilla/5.0 Firefox/140.0" },
    }),
    one(70 * minute, {
      type: "vscode",
      ssh_info: { connection_id: randomUUID(), disconnect_time: after(12 * minute), exit_code: 0 },
    }),
    one(95 * minute, {
      type: "workspace_app",
      web_info: { user: alice, slug_or_port: "code", status_code: 502, user_agent: "Mozilla/5.0 Firefox/140.0" },
    }),
    one(30 * 60 * minute, {
      type: "port_forwarding",
      workspace_name: "bobs-lab",
      workspace_owner_id: bob.id,
      workspace_owner_username: bob.username,
      web_info: { user: bob, slug_or_port: "localhost:8080", status_code: 0, user_agent: "" },
      ssh_info: {
        connection_id: randomUUID(),
        disconnect_time: after(29 * 60 * minute),
        disconnect_reason: "<b>the agent</b> is gone",
        exit_code: 255,
      },
    }),
  ];
}

const option = (group: string, name: string, more: Partial<DeploymentOption>): DeploymentOption => {
  const flag = more.flag ?? name.toLowerCase().replaceAll(" ", "-");
  return {
    name,
    description: "",
    flag,
    env: `CODER_${flag.toUpperCase().replaceAll("-", "_")}`,
    yaml: flag.replace(/-(\w)/g, (_, c: string) => c.toUpperCase()),
    group: { name: group },
    default: "",
    value: "",
    value_source: "",
    hidden: false,
    required: false,
    secret: false,
    ...more,
  };
};

const configOf = (): DeploymentConfig => ({
  config: {},
  options: [
    option("Networking", "Access URL", {
      description: "Where people and workspaces reach this deployment. Without it only this machine can.",
      yaml: "networking.accessURL",
      value: "https://dev.example.test",
      value_source: "env",
    }),
    option("Networking", "HTTP Address", {
      description: 'Address of plain HTTP; empty or "off" turns it off.',
      default: "127.0.0.1:3000",
      value: "0.0.0.0:3000",
      value_source: "flag",
    }),
    option("Networking", "Redirect To Access URL", {
      description: "Send browsers that come by another host name to the access URL.",
      value: false,
    }),
    option("Networking: relay", "DERP Server STUN Addresses", {
      description: "STUN servers that help to find direct paths.",
      default: "stun.l.google.com:19302,stun1.l.google.com:19302",
      value: ["stun.l.google.com:19302", "stun1.l.google.com:19302"],
      value_source: "default",
    }),
    option("Sessions and tokens", "Session Duration", {
      description: "How long a session lasts that nobody uses.",
      default: "24h",
      value: 43_200_000_000_000,
      value_source: "yaml",
    }),
    option("Database", "Postgres URL", {
      description: "The database. Without one the server runs its own.",
      value: null,
      value_source: "env",
      secret: true,
    }),
    option("Provisioning", "Provisioner Daemon PSK", {
      description: "What external daemons show to be let in.",
      value: null,
      secret: true,
    }),
    option("Provisioning", "Provisioner Daemons", {
      description: "How many daemons run inside of the server.",
      default: "3",
      value: 3,
      value_source: "default",
    }),
    option("Clients", "CLI Upgrade Message", {
      description: "What the command line says when it is older than the server.",
      value: `<script>alert("up")</script>\u001b[2J ${"long ".repeat(900)}`,
      value_source: "env",
    }),
  ],
});

const fine = (): HealthSection => ({ healthy: true, severity: "ok", warnings: [], dismissed: false });

/** healthOf is a deployment that works, with one warning. */
export const healthOf = (): HealthReport => ({
  time: new Date().toISOString(),
  healthy: true,
  severity: "warning",
  coder_version: "v0.1.0-mock",
  access_url: { ...fine(), access_url: "https://dev.example.test", reachable: true },
  database: { ...fine(), reachable: true, latency: "1.4ms", latency_ms: 1, threshold_ms: 15 },
  derp: {
    ...fine(),
    severity: "warning",
    warnings: [
      {
        code: "ESTUN01",
        message:
          "the names of the STUN servers do not resolve: stun.l.google.com:19302 and 4 more. Give the server a STUN server that both sides reach: --derp-server-stun-addresses.",
      },
    ],
  },
  websocket: fine(),
  provisioner_daemons: { ...fine(), online: 3 },
  replicas: { ...fine(), online: 2 },
});

export function newAdminStore(): AdminStore {
  return { audit: [], connections: [], config: configOf(), health: healthOf(), checks: 0 };
}

/** seedAdmin writes what has happened lately. */
export function seedAdmin(store: { users: (User & { password: string })[]; admin: AdminStore }) {
  const [alice, bob] = store.users.map(({ password: _, ...user }) => user) as [User, User];
  store.admin.audit = auditOf(alice, bob);
  store.admin.connections = connectionsOf(alice, bob);
}
