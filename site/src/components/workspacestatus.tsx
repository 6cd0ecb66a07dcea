import type { Workspace } from "@/api/generated";
import { toneOf } from "@/lib/status";
import { statusText } from "@/lib/texts";
import { Status } from "@/ui/status";
import { Tip } from "@/ui/tooltip";

/** WorkspaceStatus is the state of a workspace; one that runs with agents missing says so. */
export function WorkspaceStatus({ workspace }: { workspace: Workspace }) {
  const status = workspace.latest_build.status;
  const ill = status === "running" && !workspace.health.healthy;
  const text = statusText[status] ?? status;
  if (ill) {
    const count = workspace.health.failing_agents?.length ?? 0;
    return (
      <Tip text={`${count === 1 ? "One agent is" : `${count} agents are`} not well.`}>
        <span>
          <Status tone="warn">{text}</Status>
        </span>
      </Tip>
    );
  }
  return <Status tone={toneOf(status)}>{text}</Status>;
}
