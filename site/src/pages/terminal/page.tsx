import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { ApiError } from "@/api/client";
import type { Workspace, WorkspaceAgent } from "@/api/generated";
import { keyOf, read, workspace as workspaceQuery } from "@/api/queries";
import { watchWorkspace } from "@/api/watch";
import { ApiErrorBox } from "@/components/apierror";
import { plain } from "@/lib/plain";
import { underWay } from "@/lib/status";
import { texts } from "@/lib/texts";
import { fontOf } from "./font";
import type { Place } from "./place";
import { words } from "./texts";
import { View } from "./view";

/** Terminal is the page of one terminal. */
export function Terminal({ place }: { place: Place }) {
  const client = useQueryClient();
  const { data: workspace, error, refetch } = useQuery(workspaceQuery(place.owner, place.workspace));
  const appearance = useQuery(read("GET /api/v2/users/{user}/appearance", { path: { user: "me" } }));
  const id = workspace?.id;
  useEffect(() => {
    if (!id) return;
    const path = { user: place.owner, workspacename: place.workspace };
    return watchWorkspace(client, id, keyOf("GET /api/v2/users/{user}/workspace/{workspacename}", { path }));
  }, [client, id, place.owner, place.workspace]);
  if (!workspace) {
    if (!error) return <main aria-label={words.title} aria-busy className="h-dvh bg-surface" />;
    const gone = error instanceof ApiError && error.status === 404;
    return (
      <main className="mx-auto flex min-h-dvh w-full max-w-xl flex-col justify-center p-4">
        <h1 className="sr-only">{words.title}</h1>
        <ApiErrorBox error={error} title={gone ? words.notFound : words.refused} onRetry={() => void refetch()} />
        <a href="workspaces" className="mt-4 self-start text-muted underline">
          {texts.toWorkspaces}
        </a>
      </main>
    );
  }
  const agents = (workspace.latest_build.resources ?? []).flatMap((r) => r.agents ?? []);
  const agent = agents.find((a) => (place.agent ? a.name === place.agent : !a.parent_id)) ?? undefined;
  return (
    <View
      place={place}
      workspace={workspace}
      agent={agent}
      hindrance={hindranceOf(workspace, agents, agent, place.agent)}
      font={appearance.isPending ? undefined : fontOf(appearance.data?.terminal_font)}
    />
  );
}

/** Hindrance is why there can be no terminal now, and whether a start helps. */
export interface Hindrance {
  text: string;
  startable?: boolean;
}

function hindranceOf(
  workspace: Workspace,
  agents: WorkspaceAgent[],
  agent: WorkspaceAgent | undefined,
  wanted: string,
): Hindrance | undefined {
  const { status, transition } = workspace.latest_build;
  if (status === "deleted" || transition === "delete") return { text: words.deleted };
  if (underWay(status)) return agent?.status === "connected" ? undefined : { text: words.underWay };
  if (status === "failed" || status === "canceled") return { text: words.failed, startable: true };
  if (status !== "running") return { text: words.stopped, startable: true };
  if (agents.length === 0) return { text: words.noAgent };
  if (!agent) return { text: words.noSuchAgent(plain(wanted, 64), agents.map((a) => plain(a.name, 64)).join(", ")) };
  if (agent.status === "connecting") return { text: words.agentFirst };
  if (agent.status !== "connected") return { text: words.away };
  return undefined;
}
