import { request } from "@/api/client";
import type { ParameterValue, ResourceChange, WorkspacePlan } from "@/api/generated";

/** How often a plan is asked whether it is done, in milliseconds. */
const pace = 400;

/**
 * plan finds out what a start of a workspace would do; it changes nothing. It throws
 * an ApiError when the values are refused, an Error when Terraform has failed.
 */
export async function plan(
  workspace: string,
  {
    version,
    values,
    preset,
    signal,
  }: { version: string; values?: ParameterValue[]; preset?: string; signal?: AbortSignal },
): Promise<WorkspacePlan> {
  let now = await request("POST /api/v2/workspaces/{workspace}/plan", {
    path: { workspace },
    body: {
      transition: "start",
      template_version_id: version,
      ...(values ? { rich_parameter_values: values } : {}),
      ...(preset ? { template_version_preset_id: preset } : {}),
    },
    signal,
  });
  while (now.job.status === "pending" || now.job.status === "running") {
    await new Promise((done) => setTimeout(done, pace));
    now = await request("GET /api/v2/workspaces/{workspace}/plan/{job}", {
      path: { workspace, job: now.job.id },
      signal,
    });
  }
  if (now.job.status !== "succeeded") throw new Error(now.job.error || `The plan is ${now.job.status}.`);
  return now;
}

/** Kinds of resources that hold nothing: the server lets them be made anew. */
const holdNothing =
  /(^|\.)(docker_image|docker_network|null_resource|time_rotating|time_sleep|time_static|time_offset)\./;

/** losses are the resources that a stop keeps and that a plan destroys. */
export function losses({ changes }: WorkspacePlan): ResourceChange[] {
  return (changes ?? []).filter(
    (c) => c.persistent && (c.action === "delete" || c.action === "replace") && !holdNothing.test(c.address),
  );
}
