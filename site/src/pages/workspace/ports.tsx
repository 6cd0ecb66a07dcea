import { useQuery } from "@tanstack/react-query";
import { Plug } from "lucide-react";
import type { Workspace, WorkspaceAgent } from "@/api/generated";
import { appHost, read } from "@/api/queries";
import { wildcardLink } from "@/lib/link";
import { plain } from "@/lib/plain";
import { Button, buttonClass } from "@/ui/button";
import { useModes } from "./modes";
import { words } from "./texts";

/** Ports are links to what listens in the workspace. */
export function Ports({ workspace, agent }: { workspace: Workspace; agent: WorkspaceAgent }) {
  const host = useQuery(appHost()).data?.host ?? "";
  const { data } = useQuery({
    ...read("GET /api/v2/workspaceagents/{workspaceagent}/listening-ports", { path: { workspaceagent: agent.id } }),
    refetchInterval: 10_000,
  });
  const subdomain = useModes()("subdomain");
  const ports = data?.ports ?? [];
  if (ports.length === 0) return null;
  return (
    <div className="flex flex-col gap-1.5">
      <h3 className="text-muted text-xs">{words.ports}</h3>
      <ul className="flex flex-wrap gap-2">
        {ports.slice(0, 64).map(({ port, process_name }) => {
          const href = wildcardLink(
            host,
            `${port}--${agent.name}--${workspace.name}--${workspace.owner_name}`,
            window.location.protocol,
          );
          const inside = (
            <>
              <span className="font-mono text-sm">{port}</span>
              {process_name ? <span className="text-muted text-sm">{plain(process_name, 40)}</span> : null}
            </>
          );
          return (
            <li key={port}>
              {href ? (
                <a href={href} target="_blank" rel="noreferrer noopener" className={buttonClass("plain", "sm")}>
                  <Plug size={13} aria-hidden className="text-muted" />
                  {inside}
                </a>
              ) : (
                <Button size="sm" icon={<Plug size={13} aria-hidden />} reason={words.portsNoHost(port)}>
                  {inside}
                </Button>
              )}
            </li>
          );
        })}
      </ul>
      {subdomain.enabled || !subdomain.reason ? null : (
        <p className="max-w-prose text-muted text-xs">
          {words.portsWhy} {plain(subdomain.reason, 500)}
        </p>
      )}
    </div>
  );
}
