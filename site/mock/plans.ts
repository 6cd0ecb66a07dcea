import { randomUUID } from "node:crypto";
import type { ResourceChange } from "../src/api/generated";
import { type Handlers, notFound } from "./handler";
import { find } from "./workspaces";

const change = (action: ResourceChange["action"], address: string, persistent: boolean, reasons: string[] = []) => ({
  action,
  address,
  type: address.split(".")[0]!,
  name: address.split(".")[1]!,
  persistent,
  reasons,
});

export const plans: Handlers = {
  "POST /api/v2/workspaces/{workspace}/plan": ({ store, path }) => {
    const w = find(store, path.workspace);
    const id = randomUUID();
    const plan = {
      job: { ...w.latest_build.job, id, status: "running" as const, completed_at: undefined },
      changes: [],
      resources: [],
    };
    store.creation.plans.set(id, plan);
    return plan;
  },
  "GET /api/v2/workspaces/{workspace}/plan/{job}": ({ store, path }) => {
    const plan = store.creation.plans.get(path.job);
    if (!plan) throw notFound("Plan");
    plan.job = { ...plan.job, status: "succeeded" };
    plan.changes = [
      change("create", "coder_agent.main", false),
      change("create", "docker_container.workspace", false),
      store.creation.loses
        ? change("replace", "docker_volume.home", true, ["size"])
        : change("keep", "docker_volume.home", true),
    ];
    return plan;
  },
};
