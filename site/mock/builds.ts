import { randomUUID } from "node:crypto";
import type { ProvisionerJob, ProvisionerJobLog, Workspace, WorkspaceBuild } from "../src/api/generated";
import { type Handlers, notFound, Refusal, type Sockets } from "./handler";
import { resourcesOf } from "./seed";
import { type Store, touch } from "./store";

type Transition = "start" | "stop" | "delete";
const going = { start: "starting", stop: "stopping", delete: "deleting" } as const;
const gone = { start: "running", stop: "stopped", delete: "deleted" } as const;

function job(status: ProvisionerJob["status"]): ProvisionerJob {
  const id = randomUUID();
  return {
    id,
    created_at: new Date().toISOString(),
    file_id: randomUUID(),
    initiator_id: randomUUID(),
    organization_id: "11111111-1111-4111-8111-111111111111",
    input: {},
    logs_overflowed: false,
    queue_position: 0,
    queue_size: 0,
    status,
    tags: {},
    type: "workspace_build",
  };
}

/** makeBuild puts a build of a workspace into the store. */
export function makeBuild(
  store: Store,
  w: Pick<Workspace, "id" | "name" | "owner_id" | "owner_name">,
  transition: Transition,
  by: string,
): WorkspaceBuild {
  const at = new Date().toISOString();
  const number = store.builds.filter((b) => b.workspace_id === w.id).length + 1;
  const build: WorkspaceBuild = {
    id: randomUUID(),
    workspace_id: w.id,
    workspace_name: w.name,
    workspace_owner_id: w.owner_id,
    workspace_owner_name: w.owner_name,
    workspace_owner_avatar_url: "",
    template_version_id: "33333333-3333-4333-8333-333333333333",
    template_version_name: "bold_ferris4",
    template_version_preset_id: null as unknown as string,
    build_number: number,
    transition,
    reason: "initiator",
    initiator_id: w.owner_id,
    initiator_name: by,
    job: job("pending"),
    status: "pending",
    resources: [],
    daily_cost: 0,
    has_external_agent: false,
    created_at: at,
    updated_at: at,
  };
  store.builds.push(build);
  store.buildLogs.set(build.id, []);
  return build;
}

/** finish ends a build as if terraform had. */
export function finish(build: WorkspaceBuild, started: number, ended: number) {
  build.job = {
    ...build.job,
    status: "succeeded",
    created_at: new Date(started - 400).toISOString(),
    started_at: new Date(started).toISOString(),
    completed_at: new Date(ended).toISOString(),
  };
  build.status = gone[build.transition];
  build.created_at = build.job.created_at;
  build.resources = resourcesOf(build);
}

export const script = (
  transition: Transition,
): [stage: string, level: ProvisionerJobLog["log_level"], text: string][] => [
  ["Setting up", "info", "Fetching the template version bold_ferris4"],
  ["Initializing Terraform Directory", "debug", "Initializing provider plugins found in the configuration..."],
  ["Initializing Terraform Directory", "debug", "- Using coder/coder v2.13.1 from the shared cache directory"],
  ["Planning Infrastructure", "info", `Plan: 2 to add, 0 to change, ${transition === "start" ? 0 : 1} to destroy.`],
  ["Applying", "info", "coder_agent.main: Creating..."],
  ["Applying", "info", "coder_agent.main: Creation complete after 0s [id=4c8f1a32]"],
  ["Applying", "warn", "docker_container.workspace: the image tag latest moves; pin a digest"],
  ["Applying", "info", "docker_container.workspace: Creation complete after 1s"],
  ["Cleaning Up", "info", "\u001b[32mApply complete!\u001b[0m <b>Resources: 2 added</b>"],
];

export function write(store: Store, build: WorkspaceBuild, line: ReturnType<typeof script>[number], at = Date.now()) {
  const log = store.buildLogs.get(build.id)!;
  log.push({
    id: log.length + 1,
    created_at: new Date(at).toISOString(),
    log_source: "provisioner",
    stage: line[0],
    log_level: line[1],
    output: line[2],
  });
}

/** newBuild starts a build that runs by itself. */
export function newBuild(store: Store, w: Workspace, transition: Transition, by: string): WorkspaceBuild {
  if (["pending", "running", "canceling"].includes(w.latest_build.job.status)) {
    throw new Refusal(409, { code: "conflict", message: "Another build of this workspace is under way." });
  }
  const build = makeBuild(store, w, transition, by);
  w.latest_build = build;
  touch(store);
  const steps = script(transition);
  const pause = store.buildTime / (steps.length + 2);
  const step = (i: number) => {
    if (build.job.status === "canceled") return;
    if (store.held && i > 3) {
      setTimeout(step, 20, i);
      return;
    }
    if (i === 0) {
      build.job = { ...build.job, status: "running", started_at: new Date().toISOString() };
      build.status = going[transition];
    } else if (i <= steps.length) write(store, build, steps[i - 1]!);
    else finish(build, Date.parse(build.job.started_at!), Date.now());
    w.latest_build = { ...build };
    touch(store);
    if (i <= steps.length) setTimeout(step, pause, i + 1);
  };
  setTimeout(step, pause, 0);
  return { ...build };
}

function find(store: Store, id: string) {
  const build = store.builds.find((b) => b.id === id);
  if (!build) throw notFound("Build");
  return build;
}

export const builds: Handlers = {
  "PATCH /api/v2/workspacebuilds/{workspacebuild}/cancel": ({ store, path }) => {
    const build = find(store, path.workspacebuild);
    build.job = { ...build.job, status: "canceled", completed_at: new Date().toISOString() };
    build.status = "canceled";
    const w = store.workspaces.find((x) => x.id === build.workspace_id);
    if (w) w.latest_build = { ...build };
    touch(store);
    return { message: "Cancelled." };
  },
  "GET /api/v2/workspacebuilds/{workspacebuild}": ({ store, path }) => find(store, path.workspacebuild),
  "GET /api/v2/workspacebuilds/{workspacebuild}/parameters": ({ store, path }) => {
    const given = store.creation.values.get(find(store, path.workspacebuild).workspace_id);
    const values = given ?? { region: "us-east", zone: "a", cpus: "4", team: "core" };
    return Object.entries(values).map(([name, value]) => ({ name, value }));
  },
  "GET /api/v2/workspacebuilds/{workspacebuild}/timings": ({ store, path }) => {
    const { job, id, status } = find(store, path.workspacebuild);
    if (!job.completed_at) return { provisioner_timings: [], agent_script_timings: [], agent_connection_timings: [] };
    const from = Date.parse(job.started_at ?? job.created_at);
    const span = Date.parse(job.completed_at) - from;
    const at = (part: number) => new Date(from + span * part).toISOString();
    const step = (stage: string, resource: string, action: string, a: number, b: number) => ({
      job_id: job.id,
      stage,
      source: resource,
      resource,
      action,
      started_at: at(a),
      ended_at: at(b),
    });
    const agent = { workspace_agent_id: id, workspace_agent_name: "main" };
    return {
      provisioner_timings: [
        step("init", "terraform", "init", 0, 0.18),
        step("plan", "terraform", "plan", 0.18, 0.42),
        step("apply", "coder_agent.main", "create", 0.42, 0.45),
        step("apply", "docker_volume.home", "create", 0.43, 0.55),
        step("apply", "docker_container.workspace", "create", 0.55, 0.98),
      ],
      agent_connection_timings:
        status === "running" ? [{ ...agent, stage: "connect", started_at: at(0.98), ended_at: at(1.1) }] : [],
      agent_script_timings:
        status === "running"
          ? [
              {
                ...agent,
                display_name: "Install tools",
                stage: "start",
                status: "ok",
                exit_code: 0,
                started_at: at(1.1),
                ended_at: at(1.6),
              },
            ]
          : [],
    };
  },
};

export const buildSockets: Sockets = {
  "GET /api/v2/workspacebuilds/{workspacebuild}/logs": ({ store, path, query, send, end }) => {
    const build = find(store, path.workspacebuild);
    let last = Number(query.after ?? 0);
    const say = () => {
      for (const line of store.buildLogs.get(build.id) ?? []) {
        if (line.id <= last) continue;
        last = line.id;
        send(line);
      }
      if (find(store, build.id).job.completed_at) end();
    };
    store.changed.add(say);
    say();
    return () => void store.changed.delete(say);
  },
};
