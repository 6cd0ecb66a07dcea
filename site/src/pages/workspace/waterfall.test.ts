// @vitest-environment jsdom
import { expect, test } from "vitest";
import type { WorkspaceBuild } from "@/api/generated";
import { bars } from "./waterfall";

const at = (s: number) => new Date(1_800_000_000_000 + s * 1000).toISOString();

test("steps come in the order in which they began, without those that were not measured", () => {
  const build = { job: { created_at: at(0), started_at: at(2) } } as WorkspaceBuild;
  const step = (stage: string, resource: string, from: string, to: string) => ({
    job_id: "",
    stage,
    source: "s",
    action: "create",
    resource,
    started_at: from,
    ended_at: to,
  });
  const list = bars(build, {
    provisioner_timings: [
      step("apply", "b", at(5), at(6)),
      step("plan", "", at(2), at(5)),
      { ...step("init", "", at(2), at(2)), source: "init", action: "init" },
      step("apply", "never", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
      step("apply", "back", at(9), at(8)),
    ],
    agent_script_timings: null,
    agent_connection_timings: [
      { workspace_agent_id: "", workspace_agent_name: "main", stage: "connect", started_at: at(6), ended_at: at(7) },
    ],
  });
  expect(list.map((b) => `${b.group} ${b.name} ${(b.end - b.start) / 1000}`)).toEqual([
    "queue waiting for a provisioner 2",
    "plan s create 3",
    "init as a whole 0",
    "apply b create 1",
    "connect main 1",
  ]);
});
