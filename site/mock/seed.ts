import { randomUUID } from "node:crypto";
import type { Template, Workspace, WorkspaceAgent, WorkspaceBuild, WorkspaceResource } from "../src/api/generated";
import { seedAccounts } from "./account";
import { seedAdmin } from "./adminseed";
import { finish, makeBuild, script, write } from "./builds";
import { seedPeople } from "./people";
import { seedProvisioners } from "./provisioners";
import { newStore, type Store } from "./store";
import { seedTemplating } from "./templatingseed";
import { addUser } from "./users";

const organization = "11111111-1111-4111-8111-111111111111";
const version = "33333333-3333-4333-8333-333333333333";

function agentOf(build: WorkspaceBuild): WorkspaceAgent {
  const source = `${build.id.slice(0, 8)}-5555-4555-8555-555555555555`;
  const app = (slug: string, name: string, more: object = {}) => ({
    id: randomUUID(),
    slug,
    display_name: name,
    external: false,
    health: "healthy",
    healthcheck: { interval: 5, threshold: 3, url: "http://localhost" },
    hidden: false,
    open_in: "slim-window",
    sharing_level: "owner",
    subdomain: true,
    subdomain_name: `${slug}--main--${build.workspace_name}--${build.workspace_owner_name}`,
    ...more,
  });
  return {
    id: `${build.id.slice(0, 8)}-4444-4444-8444-444444444444`,
    name: "main",
    api_version: "2.0",
    version: "v0.1.0-mock",
    apps: [
      app("code", "code-server"),
      app("docs", "Docs", { subdomain: false }),
      app("db", "Database", { health: "unhealthy" }),
      app("top", "Processes", { command: "htop", subdomain: false, subdomain_name: "" }),
      app("evil", "Odd link", { external: true, url: "javascript:alert(document.domain)" }),
    ],
    architecture: "amd64",
    operating_system: "linux",
    connection_timeout_seconds: 120,
    created_at: build.created_at,
    updated_at: build.created_at,
    display_apps: ["vscode", "web_terminal", "ssh_helper"],
    environment_variables: {},
    health: { healthy: true },
    latency: { Frankfurt: { latency_ms: 3.7, preferred: true } },
    lifecycle_state: "ready",
    log_sources: [
      {
        id: source,
        created_at: build.created_at,
        display_name: "Install tools",
        icon: "",
        workspace_agent_id: build.id,
      },
    ],
    logs_length: 0,
    logs_overflowed: false,
    parent_id: "",
    resource_id: "",
    scripts: [],
    startup_script_behavior: "non-blocking",
    status: "connected",
    subsystems: [],
    troubleshooting_url: "",
  };
}

/** resourcesOf is what a build has made. */
export function resourcesOf(build: WorkspaceBuild): WorkspaceResource[] {
  const one = (
    address: string,
    persistent: boolean,
    metadata: WorkspaceResource["metadata"],
    agents: WorkspaceAgent[] = [],
  ): WorkspaceResource => ({
    id: randomUUID(),
    address,
    type: address.split(".")[0]!,
    name: address.split(".")[1]!,
    persistent,
    agents,
    metadata,
    created_at: build.created_at,
    daily_cost: 0,
    hide: false,
    icon: "",
    job_id: build.job.id,
    workspace_transition: build.transition,
  });
  const home = one("docker_volume.home", true, [{ key: "size", value: "20 GiB", sensitive: false }]);
  if (build.transition === "delete") return [];
  if (build.transition === "stop") return [home];
  const meta = [
    { key: "image", value: "ubuntu:24.04", sensitive: false },
    { key: "password", value: "", sensitive: true },
  ];
  return [one("docker_container.workspace", false, meta, [agentOf(build)]), home];
}

export function addTemplate(store: Store, name: string, title: string): Template {
  const at = new Date().toISOString();
  const template = {
    id: randomUUID(),
    name,
    display_name: title,
    organization_id: organization,
    organization_name: "default",
    organization_display_name: "Default",
    icon: "",
    active_version_id: version,
    created_at: at,
    updated_at: at,
  } as Template;
  store.templates.push(template);
  return template;
}

type State = "running" | "stopped" | "failed" | "starting";

export function addWorkspace(
  store: Store,
  owner: { id: string; username: string },
  template: Template,
  name: string,
  state: State,
  age = 3_600_000,
): Workspace {
  const id = randomUUID();
  const who = { id, name, owner_id: owner.id, owner_name: owner.username };
  const at = Date.now() - age;
  const first = makeBuild(store, who, "start", owner.username);
  for (const line of script("start")) write(store, first, line, at);
  finish(first, at, at + 14_200);
  let latest = first;
  if (state === "stopped") {
    latest = makeBuild(store, who, "stop", owner.username);
    for (const line of script("stop")) write(store, latest, line, at + 60_000);
    finish(latest, at + 60_000, at + 66_000);
  }
  if (state === "failed") {
    latest = makeBuild(store, who, "start", owner.username);
    write(
      store,
      latest,
      [
        "Planning Infrastructure",
        "error",
        'Error: Unsupported argument: An argument named "cpus" is not expected here.',
      ],
      at,
    );
    finish(latest, at + 60_000, at + 61_500);
    latest.job = {
      ...latest.job,
      status: "failed",
      error: 'terraform plan: exit status 1: An argument named "cpus" is not expected here.',
    };
    latest.status = "failed";
    latest.resources = [];
  }
  if (state === "starting") {
    latest = makeBuild(store, who, "start", owner.username);
    write(store, latest, ["Applying", "info", "coder_agent.main: Creating..."]);
    latest.job = { ...latest.job, status: "running", started_at: new Date().toISOString() };
    latest.status = "starting";
  }
  const workspace: Workspace = {
    ...who,
    owner_avatar_url: "",
    organization_id: organization,
    organization_name: "default",
    template_id: template.id,
    template_name: template.name,
    template_display_name: template.display_name,
    template_icon: "",
    template_active_version_id: version,
    template_allow_user_cancel_workspace_jobs: true,
    template_require_active_version: false,
    template_use_classic_parameter_flow: false,
    latest_build: { ...latest },
    outdated: false,
    automatic_updates: "never",
    allow_renames: true,
    favorite: false,
    health: { healthy: true, failing_agents: [] },
    last_used_at: new Date(at + 30_000).toISOString(),
    created_at: new Date(at).toISOString(),
    updated_at: new Date(at).toISOString(),
  };
  const agent = latest.resources?.flatMap((r) => r.agents ?? [])[0];
  if (agent) {
    const source = agent.log_sources![0]!.id;
    const lines = [
      "+ apt-get update",
      "Get:1 http://deb.example trixie InRelease [140 kB]",
      "+ git clone https://git.example/dotfiles",
      "\u001b[32mDone.\u001b[0m <script>alert(1)</script>",
    ];
    store.agentLogs.set(
      agent.id,
      lines.map((output, i) => ({
        id: i + 1,
        created_at: new Date(at + i * 700).toISOString(),
        level: i === 1 ? "debug" : "info",
        output,
        source_id: source,
      })),
    );
  }
  store.workspaces.push(workspace);
  return workspace;
}

/** seed is a deployment as one finds it on a weekday: password of all is "hunter22-mock". */
export function seed(): Store {
  const store = newStore();
  const alice = addUser(store, "alice", "alice@example.test", "hunter22-mock");
  const bob = addUser(store, "bob", "bob@example.test", "hunter22-mock");
  addUser(store, "carol", "carol@example.test", "hunter22-mock"); // has no workspace
  seedPeople(store);
  const docker = addTemplate(store, "docker", "Docker container");
  const vm = addTemplate(store, "aws-vm", "Linux machine on AWS");
  addWorkspace(store, alice, docker, "api", "running", 2 * 3_600_000);
  addWorkspace(store, alice, docker, "frontend", "stopped", 50 * 3_600_000);
  addWorkspace(store, alice, vm, "training-run", "failed", 26 * 3_600_000);
  addWorkspace(store, alice, vm, "build-box", "starting", 7 * 3_600_000);
  const docs = addWorkspace(store, alice, docker, "docs", "running", 240_000);
  docs.outdated = true;
  docs.latest_build.template_version_id = "33333333-3333-4333-8333-333333333330";
  docs.latest_build.template_version_name = "old_tesla9";
  const ill = addWorkspace(store, alice, vm, "gpu", "running", 3 * 86_400_000);
  ill.health = { healthy: false, failing_agents: [randomUUID()] };
  addWorkspace(store, bob, docker, "bobs-lab", "running", 6 * 3_600_000);
  const item = (key: string, name: string, value: string, error = "") => ({
    result: { collected_at: new Date().toISOString(), age: 1, value, error },
    description: { display_name: name, key, script: "", interval: 10, timeout: 1 },
  });
  store.metadata = [
    item("cpu", "CPU", "12 %"),
    item("mem", "Memory", "3.1 / 16 GiB"),
    item("disk", "Home disk", "41 %"),
    item("load", "Load", "", ""),
  ];
  seedAdmin(store);
  seedAccounts(store);
  seedProvisioners(store);
  seedTemplating(store, (name, title) => addTemplate(store, name, title));
  return store;
}
