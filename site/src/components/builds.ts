import { type QueryClient, useMutation, useQueryClient } from "@tanstack/react-query";
import { request } from "@/api/client";
import type { ParameterValue, Workspace, WorkspaceBuild } from "@/api/generated";
import { keyOf } from "@/api/queries";
import { toastError } from "./apierror";

export type Transition = "start" | "stop" | "delete";

/** startBuild asks for a build. It answers when the build is in the queue, not when it is done. */
export function startBuild(
  workspace: string,
  transition: Transition,
  options: { orphan?: boolean; debug?: boolean } = {},
) {
  const { orphan, debug } = options;
  return request("POST /api/v2/workspaces/{workspace}/builds", {
    path: { workspace },
    body: { transition, ...(orphan ? { orphan } : {}), ...(debug ? { log_level: "debug" } : {}) },
  });
}

interface Rebuild {
  version: string;
  values?: ParameterValue[];
  preset?: string;
  /** loss confirms that what a stop keeps may be destroyed. */
  loss?: boolean;
}

/** How often a build is asked whether it is done, in milliseconds. */
const pace = 1000;

/** settled waits for the end of a build. It throws when the build has failed. */
async function settled(id: string): Promise<void> {
  for (;;) {
    const build = await request("GET /api/v2/workspacebuilds/{workspacebuild}", { path: { workspacebuild: id } });
    if (build.job.status === "succeeded") return;
    if (build.job.completed_at) throw new Error(build.job.error || "The workspace could not be stopped.");
    await new Promise((done) => setTimeout(done, pace));
  }
}

/**
 * rebuild starts a workspace with another version or other values. One that runs is
 * stopped first: what the old version made is stopped with the old version. It
 * answers when the start is in the queue.
 */
export async function rebuild(workspace: Workspace, { version, values, preset, loss }: Rebuild) {
  const { id, latest_build: last } = workspace;
  if (last.status === "running") {
    // Who leaves now leaves a workspace that is stopped, and nothing to start it.
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    try {
      await settled((await startBuild(id, "stop")).id);
    } finally {
      window.removeEventListener("beforeunload", warn);
    }
  }
  return request("POST /api/v2/workspaces/{workspace}/builds", {
    path: { workspace: id },
    body: {
      transition: "start",
      template_version_id: version,
      ...(values ? { rich_parameter_values: values } : {}),
      ...(preset ? { template_version_preset_id: preset } : {}),
      ...(loss ? { allow_destroy_persistent: true } : {}),
    },
  });
}

/** showBuild puts a new build wherever its workspace is shown. */
export function showBuild(client: QueryClient, workspace: Workspace, build: WorkspaceBuild) {
  const path = { user: workspace.owner_name, workspacename: workspace.name };
  const key = keyOf("GET /api/v2/users/{user}/workspace/{workspacename}", { path });
  client.setQueryData<Workspace>(key, (old) => (old ? { ...old, latest_build: build } : old));
  void client.invalidateQueries({ queryKey: ["GET /api/v2/workspaces"] });
  void client.invalidateQueries({ queryKey: ["GET /api/v2/workspaces/{workspace}/builds"] });
}

const failed: Record<Transition, string> = {
  start: "The workspace does not start",
  stop: "The workspace does not stop",
  delete: "The workspace is not deleted",
};

interface Wish {
  workspace: Workspace;
  transition: Transition;
  orphan?: boolean;
  /** debug has Terraform write more of a log. */
  debug?: boolean;
}

/** useBuild starts a build and shows it at once wherever the workspace is shown. */
export function useBuild(onStarted?: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ workspace, transition, orphan, debug }: Wish) =>
      startBuild(workspace.id, transition, { orphan, debug }),
    onSuccess: (build, { workspace }) => {
      showBuild(client, workspace, build);
      onStarted?.();
    },
    onError: (error, { transition }) => toastError(failed[transition], error),
  });
}
