import { useMutation, useQueryClient } from "@tanstack/react-query";
import { request } from "@/api/client";
import type { Workspace } from "@/api/generated";
import { keyOf } from "@/api/queries";
import { toastError } from "./apierror";

export type Transition = "start" | "stop" | "delete";

/** startBuild asks for a build. It answers when the build is in the queue, not when it is done. */
export function startBuild(
  workspace: string,
  transition: Transition,
  options: { orphan?: boolean; version?: string } = {},
) {
  const { orphan, version } = options;
  return request("POST /api/v2/workspaces/{workspace}/builds", {
    path: { workspace },
    body: { transition, ...(orphan ? { orphan } : {}), ...(version ? { template_version_id: version } : {}) },
  });
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
  /** update builds with the template's active version. */
  update?: boolean;
}

/** useBuild starts a build and shows it at once wherever the workspace is shown. */
export function useBuild(onStarted?: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ workspace, transition, orphan, update }: Wish) =>
      startBuild(workspace.id, transition, {
        orphan,
        version: update ? workspace.template_active_version_id : undefined,
      }),
    onSuccess: (build, { workspace }) => {
      const path = { user: workspace.owner_name, workspacename: workspace.name };
      const key = keyOf("GET /api/v2/users/{user}/workspace/{workspacename}", { path });
      client.setQueryData<Workspace>(key, (old) => (old ? { ...old, latest_build: build } : old));
      void client.invalidateQueries({ queryKey: ["GET /api/v2/workspaces"] });
      void client.invalidateQueries({ queryKey: ["GET /api/v2/workspaces/{workspace}/builds"] });
      onStarted?.();
    },
    onError: (error, { transition }) => toastError(failed[transition], error),
  });
}
