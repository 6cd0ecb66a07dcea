import { randomUUID } from "node:crypto";
import type { ProvisionerDaemon, ProvisionerJob, ProvisionerKey } from "../src/api/generated";
import { type Handlers, invalid, notFound, Refusal } from "./handler";
import type { Store } from "./store";

/** What the mock knows of provisioners of its organization. */
export interface ProvisionerStore {
  daemons: ProvisionerDaemon[];
  jobs: ProvisionerJob[];
  keys: ProvisionerKey[];
}

export const newProvisioners = (): ProvisionerStore => ({ daemons: [], jobs: [], keys: [] });

const organization = "11111111-1111-4111-8111-111111111111";

function daemon(name: string, key: string, more: Partial<ProvisionerDaemon> = {}): ProvisionerDaemon {
  return {
    id: randomUUID(),
    organization_id: organization,
    name,
    key_name: key,
    version: "v0.1.0-mock",
    api_version: "1.2",
    provisioners: ["terraform"],
    tags: { owner: "", scope: "organization" },
    status: "idle",
    created_at: new Date(Date.now() - 86_400_000).toISOString(),
    last_seen_at: new Date().toISOString(),
    ...more,
  } as ProvisionerDaemon;
}

export function seedProvisioners(store: Store) {
  const { daemons, jobs, keys } = store.provisioners;
  const before = (ms: number) => new Date(Date.now() - ms).toISOString();
  const alice = store.users[0]!;
  const bob = store.users[1]!;
  const api = store.workspaces.find((w) => w.name === "api")!;
  const box = store.workspaces.find((w) => w.name === "build-box")!;
  const key: ProvisionerKey = {
    id: randomUUID(),
    name: "cloud-b",
    organization,
    tags: { cloud: "b", region: "eu" },
    created_at: before(30 * 86_400_000),
  };
  keys.push(key, { ...key, id: randomUUID(), name: "spare", tags: {}, created_at: before(3_600_000) });
  const job = (more: Partial<ProvisionerJob>): ProvisionerJob => ({
    id: randomUUID(),
    organization_id: organization,
    initiator_id: alice.id,
    type: "workspace_build",
    status: "succeeded",
    file_id: randomUUID(),
    tags: { owner: "", scope: "organization" },
    queue_position: 0,
    queue_size: 0,
    input: { workspace_build_id: randomUUID() },
    logs_overflowed: false,
    created_at: before(120_000),
    metadata: {
      template_display_name: "Docker container",
      template_icon: "",
      template_id: api.template_id,
      template_name: "docker",
      template_version_name: "bold_ferris4",
      workspace_id: api.id,
      workspace_name: "api",
      workspace_build_transition: "start",
    },
    ...more,
  });
  const running = job({
    status: "running",
    started_at: before(20_000),
    worker_name: "cloud-b-1",
    input: { workspace_build_id: box.latest_build.id },
  });
  running.metadata = { ...running.metadata!, workspace_id: box.id, workspace_name: box.name };
  jobs.push(
    job({
      status: "pending",
      created_at: before(5_000),
      initiator_id: bob.id,
      tags: { owner: "", scope: "organization", cloud: "c" },
      queue_position: 2,
      queue_size: 3,
      queue_estimate_ms: 42_000,
      queue_note: "No provisioner with tags cloud=c is online.",
      available_workers: [],
    }),
    running,
    job({ started_at: before(119_000), completed_at: before(104_000), worker_name: "server-0" }),
    job({
      type: "template_version_import",
      status: "failed",
      input: { template_version_id: randomUUID() },
      error: 'terraform plan: exit status 1: <script>alert(1)</script> An argument named "cpus" is not expected here.',
      started_at: before(3_600_000),
      completed_at: before(3_590_000),
      created_at: before(3_601_000),
      worker_name: "server-0",
      metadata: {
        template_display_name: "",
        template_icon: "",
        template_id: api.template_id,
        template_name: "docker",
        template_version_name: "odd_<b>name</b>",
      },
    }),
  );
  const work = {
    id: running.id,
    status: "running" as const,
    template_display_name: "Docker container",
    template_icon: "",
    template_name: "docker",
  };
  daemons.push(
    daemon("server-0", "built-in", { previous_job: { ...work, id: jobs[2]!.id, status: "succeeded" } }),
    daemon("cloud-b-1", "cloud-b", {
      key_id: key.id,
      status: "busy",
      tags: { owner: "", scope: "organization", cloud: "b", region: "eu" },
      current_job: work,
      version: "v0.0.9",
    }),
    daemon("cloud-b-2", "cloud-b", {
      key_id: key.id,
      status: "offline",
      last_seen_at: before(7_200_000),
      tags: key.tags,
    }),
    daemon("<script>alert(2)</script>", "user-auth", { tags: { owner: bob.id, scope: "user" } }),
  );
}

const fits = (want: string | undefined, status: string) => !want || want.split(",").includes(status);

/** A job of a build that the store has is as that build is. */
function now(store: Store, job: ProvisionerJob): ProvisionerJob {
  const build = store.builds.find((b) => b.id === job.input.workspace_build_id);
  return build ? { ...job, status: build.job.status, completed_at: build.job.completed_at } : job;
}

const live = (d: ProvisionerDaemon) => d.status !== "offline";

function owner(user: { roles: { name: string }[] | null }) {
  if (!user.roles?.some((r) => r.name === "owner"))
    throw new Refusal(403, { code: "forbidden", message: "You may not see the provisioners of this organization." });
}

export const provisioners: Handlers = {
  "GET /api/v2/organizations/{organization}/provisionerdaemons": ({ store, query, user }) => {
    owner(user);
    return store.provisioners.daemons.filter(
      (d) => fits(query.status, d.status) && (live(d) || query.offline === "true" || query.status?.includes("offline")),
    );
  },
  "GET /api/v2/organizations/{organization}/provisionerjobs": ({ store, query, user }) =>
    store.provisioners.jobs
      .map((j) => now(store, j))
      .filter((j) => fits(query.status, j.status) && (user.username === "alice" || j.initiator_id === user.id)),
  "GET /api/v2/organizations/{organization}/provisionerjobs/{job}": ({ store, path }) => {
    const found = store.provisioners.jobs.find((j) => j.id === path.job);
    if (!found) throw notFound("Job");
    return now(store, found);
  },
  "GET /api/v2/organizations/{organization}/provisionerkeys": ({ store, user }) => {
    owner(user);
    return store.provisioners.keys;
  },
  "GET /api/v2/organizations/{organization}/provisionerkeys/daemons": ({ store, user }) => {
    owner(user);
    const { keys, daemons } = store.provisioners;
    return keys.map((key) => ({ key, daemons: daemons.filter((d) => d.key_id === key.id) }));
  },
  "POST /api/v2/organizations/{organization}/provisionerkeys": ({ store, body, user }) => {
    owner(user);
    if (!/^[a-z0-9]+([-_][a-z0-9]+)*$/i.test(body.name))
      throw invalid("name", "use letters, digits and single hyphens, starting and ending with a letter or digit.");
    if (store.provisioners.keys.some((k) => k.name === body.name))
      throw new Refusal(409, {
        code: "conflict",
        message: `There is a provisioner key named "${body.name}" already. Choose another name.`,
        validations: [{ field: "name", detail: "is in use" }],
      });
    store.provisioners.keys.push({
      id: randomUUID(),
      name: body.name,
      organization,
      tags: body.tags ?? {},
      created_at: new Date().toISOString(),
    });
    return { key: "Zk1Xw0dVtq3nPjH7cYb2LrS5mEoAuG9iTfQxW8vNsDk" };
  },
  "DELETE /api/v2/organizations/{organization}/provisionerkeys/{provisionerkey}": ({ store, path, user }) => {
    owner(user);
    const { keys, daemons } = store.provisioners;
    const found = keys.find((k) => k.name === path.provisionerkey || k.id === path.provisionerkey);
    if (!found) throw notFound("Provisioner key");
    store.provisioners.keys = keys.filter((k) => k !== found);
    for (const d of daemons) if (d.key_id === found.id) d.status = "offline";
    return undefined;
  },
};
