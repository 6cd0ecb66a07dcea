import { SquareTerminal } from "lucide-react";
import { basePath } from "@/api/base";
import type { Workspace, WorkspaceAgent } from "@/api/generated";
import { Button, buttonClass } from "@/ui/button";
import { words } from "./texts";

interface Props {
  workspace: Workspace;
  agent: WorkspaceAgent;
  /** app is the slug of an application whose command runs in it; without it a shell does. */
  app?: string;
  name?: string;
}

/** TerminalLink opens a terminal in a page of its own. */
export function TerminalLink({ workspace, agent, app, name = words.terminal }: Props) {
  const size = app ? "md" : "sm";
  const icon = <SquareTerminal size={app ? 15 : 14} aria-hidden />;
  if (agent.status !== "connected")
    return (
      <Button size={size} icon={icon} reason={words.notConnected}>
        {name}
      </Button>
    );
  const query = app ? `?${new URLSearchParams({ app })}` : "";
  const href = `${basePath}/@${workspace.owner_name}/${workspace.name}.${agent.name}/terminal${query}`;
  return (
    <a href={href} target="_blank" rel="noreferrer noopener" className={buttonClass("plain", size)}>
      {icon}
      {name}
    </a>
  );
}
