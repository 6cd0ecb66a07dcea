import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Workspace, WorkspaceAgent } from "@/api/generated";
import { emptyLog, followAgentLog, type Log } from "@/api/logs";
import type { AgentMetadata } from "@/api/metadata";
import { agentLogKey, metadataKey } from "@/api/queries";
import { watchMetadata } from "@/api/watch";
import { LogView } from "@/components/logview";
import { plain } from "@/lib/plain";
import { toneOf } from "@/lib/status";
import { statusText } from "@/lib/texts";
import { Card } from "@/ui/bits";
import { Button } from "@/ui/button";
import { CodeBlock } from "@/ui/codeblock";
import { Badge, Status } from "@/ui/status";
import { Apps } from "./apps";
import { Ports } from "./ports";
import { TerminalLink } from "./terminallink";
import { lifecycleText, words } from "./texts";

/** Agent is one agent: how it is, what it measures, what it serves, what it says. */
export function Agent({ workspace, agent }: { workspace: Workspace; agent: WorkspaceAgent }) {
  const troubled = agent.lifecycle_state.endsWith("_error") || agent.lifecycle_state.endsWith("_timeout");
  const [open, setOpen] = useState<boolean>();
  const showLog = open ?? (troubled || agent.lifecycle_state === "starting");
  const many = (workspace.latest_build.resources ?? []).flatMap((r) => r.agents ?? []).length > 1;
  const connected = agent.status === "connected";
  const relay = Object.entries(agent.latency ?? {}).find(([, l]) => l.preferred);
  return (
    <Card
      title={
        <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <span className="truncate">{plain(agent.name, 64)}</span>
          <Status tone={toneOf(agent.status)} className="font-normal text-muted">
            {statusText[agent.status] ?? agent.status}
          </Status>
          {agent.lifecycle_state === "ready" ? null : (
            <Badge tone={troubled ? "bad" : "busy"}>
              {lifecycleText[agent.lifecycle_state] ?? agent.lifecycle_state}
            </Badge>
          )}
        </span>
      }
      actions={
        <span className="flex flex-wrap items-center gap-x-3 text-muted text-xs">
          {agent.operating_system ? (
            <span>
              {plain(agent.operating_system, 32)}/{plain(agent.architecture, 32)}
            </span>
          ) : null}
          {relay ? (
            <span title={words.latency}>{`${plain(relay[0], 40)} ${relay[1].latency_ms.toFixed(0)} ms`}</span>
          ) : null}
          {(agent.display_apps ?? []).includes("web_terminal") ? (
            <TerminalLink workspace={workspace} agent={agent} />
          ) : null}
          <Button size="sm" look="quiet" aria-expanded={showLog} onClick={() => setOpen(!showLog)}>
            {showLog ? words.hideLog : words.showLog}
          </Button>
        </span>
      }
    >
      {agent.health.reason && !agent.health.healthy ? (
        <p className="border-line border-b bg-warn-soft px-4 py-2 text-warn">{plain(agent.health.reason, 500)}</p>
      ) : null}
      <Metadata agent={agent} />
      <div className="flex flex-col gap-4 px-4 py-4">
        <Apps workspace={workspace} agent={agent} />
        {connected ? <Ports workspace={workspace} agent={agent} /> : null}
        {(agent.display_apps ?? []).includes("ssh_helper") || (agent.apps ?? []).length === 0 ? (
          <div className="flex max-w-lg flex-col gap-1.5">
            <h3 className="text-muted text-xs">{words.ssh}</h3>
            <CodeBlock
              code={`coder ssh ${workspace.owner_name}/${workspace.name}${many ? `.${agent.name}` : ""}`}
              label={words.sshLabel}
            />
          </div>
        ) : null}
      </div>
      {showLog ? <AgentLog agent={agent} /> : null}
    </Card>
  );
}

function AgentLog({ agent }: { agent: WorkspaceAgent }) {
  const client = useQueryClient();
  const id = agent.id;
  const { data: log = emptyLog } = useQuery<Log>({
    queryKey: agentLogKey(id),
    enabled: false,
    initialData: emptyLog,
    staleTime: Number.POSITIVE_INFINITY,
  });
  useEffect(() => followAgentLog(client, id, agentLogKey(id)), [client, id]);
  const sources = new Map((agent.log_sources ?? []).map((s) => [s.id, s.display_name]));
  return (
    <LogView
      log={log}
      label={words.agentLog}
      nameOf={(group) => sources.get(group) || words.agentLog}
      empty={words.agentLogEmpty}
      className="overflow-hidden rounded-b-lg border-line border-t"
    />
  );
}

function Metadata({ agent }: { agent: WorkspaceAgent }) {
  const client = useQueryClient();
  const id = agent.id;
  const { data = [] } = useQuery<AgentMetadata[]>({
    queryKey: metadataKey(id),
    enabled: false,
    initialData: [],
    staleTime: Number.POSITIVE_INFINITY,
  });
  useEffect(() => watchMetadata(client, id, metadataKey(id)), [client, id]);
  if (data.length === 0) return null;
  return (
    <dl className="flex flex-wrap gap-x-8 gap-y-3 border-line border-b px-4 py-3">
      {data.map(({ description, result }) => (
        <div key={description.key} className="min-w-0 max-w-full">
          <dt className="text-muted text-xs">{plain(description.display_name || description.key, 100)}</dt>
          <dd className={`break-words font-medium tabular-nums ${result.error ? "text-bad" : ""}`}>
            {plain(result.error || result.value || "–", 300)}
          </dd>
        </div>
      ))}
    </dl>
  );
}
