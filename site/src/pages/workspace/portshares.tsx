import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { ApiError, request } from "@/api/client";
import type { PortShare, UpsertPortShareRequest, Workspace } from "@/api/generated";
import { appHost, read } from "@/api/queries";
import { ApiErrorBox, toastError } from "@/components/apierror";
import { noRight, useMay } from "@/components/may";
import { wildcardLink } from "@/lib/link";
import { plain } from "@/lib/plain";
import { Card, Skeleton } from "@/ui/bits";
import { Button, IconButton } from "@/ui/button";
import { Field, Input, Select } from "@/ui/field";
import { levelText, words } from "./texts";

type Level = PortShare["share_level"];
const levels: Level[] = ["organization", "authenticated", "public"];

function useShares(workspace: Workspace) {
  const client = useQueryClient();
  const fresh = () => client.invalidateQueries({ queryKey: ["GET /api/v2/workspaces/{workspace}/port-share"] });
  const place = { path: { workspace: workspace.id } };
  const set = useMutation({
    mutationFn: (body: UpsertPortShareRequest) =>
      request("POST /api/v2/workspaces/{workspace}/port-share", { ...place, body }),
    onSuccess: fresh,
  });
  const end = useMutation({
    mutationFn: ({ agent_name, port }: PortShare) =>
      request("DELETE /api/v2/workspaces/{workspace}/port-share", { ...place, body: { agent_name, port } }),
    onSuccess: fresh,
    onError: (error) => toastError(words.portNotEnded, error),
  });
  return { list: useQuery(read("GET /api/v2/workspaces/{workspace}/port-share", place)), set, end };
}

/** PortShares are the ports that others reach, and how far. */
export function PortShares({ workspace }: { workspace: Workspace }) {
  const { list, set, end } = useShares(workspace);
  const host = useQuery(appHost()).data?.host ?? "";
  const can = useMay({
    update: { action: "update", object: { resource_type: "workspace", resource_id: workspace.id } },
  });
  const off = noRight(can.update);
  const shares = list.data?.shares ?? [];
  const change = (share: PortShare, more: Partial<UpsertPortShareRequest>) => {
    const { agent_name, port, protocol, share_level } = share;
    set.mutate(
      { agent_name, port, protocol, share_level, ...more },
      { onError: (error) => toastError(words.portNotShared, error) },
    );
  };
  return (
    <Card title={words.portShares}>
      <p className="border-line border-b px-4 py-3 text-muted">{words.portSharesText}</p>
      {list.error ? (
        <div className="p-4">
          <ApiErrorBox error={list.error} title={words.partFailed} onRetry={() => void list.refetch()} />
        </div>
      ) : null}
      {list.isPending ? <Skeleton className="m-4 h-16" /> : null}
      {list.data && shares.length === 0 ? <p className="px-4 py-3 text-muted">{words.portSharesNone}</p> : null}
      <ul>
        {shares.map((s) => {
          const name = `${s.port}${s.protocol === "https" ? "s" : ""}--${s.agent_name}--${workspace.name}--${workspace.owner_name}`;
          const href = wildcardLink(host, name, window.location.protocol);
          const port = `${plain(s.agent_name, 64)} ${s.port}`;
          return (
            <li
              key={`${s.agent_name} ${s.port}`}
              className="flex flex-wrap items-center gap-x-3 gap-y-2 border-line border-b px-4 py-2"
            >
              <span className="min-w-0 flex-1 basis-32">
                {href ? (
                  <a
                    href={href}
                    target="_blank"
                    rel="noreferrer noopener"
                    className="font-medium font-mono text-sm underline decoration-line-strong underline-offset-2 hover:decoration-current"
                  >
                    {s.port}
                  </a>
                ) : (
                  <span className="font-medium font-mono text-sm">{s.port}</span>
                )}
                <span className="block truncate text-muted text-sm">{plain(s.agent_name, 64)}</span>
              </span>
              <Select
                aria-label={words.protocolOf(port)}
                value={s.protocol}
                disabled={Boolean(off) || set.isPending}
                onChange={(e) => change(s, { protocol: e.target.value })}
              >
                <option value="http">HTTP</option>
                <option value="https">HTTPS</option>
              </Select>
              <Select
                aria-label={words.levelOf(port)}
                value={s.share_level}
                disabled={Boolean(off) || set.isPending}
                onChange={(e) => change(s, { share_level: e.target.value as Level })}
                className="max-sm:flex-1"
              >
                {levels.map((level) => (
                  <option key={level} value={level}>
                    {levelText[level]}
                  </option>
                ))}
              </Select>
              <IconButton
                label={words.endPort(port)}
                disabled={Boolean(off) || end.isPending}
                onClick={() => end.mutate(s)}
              >
                <X size={15} />
              </IconButton>
            </li>
          );
        })}
      </ul>
      <AddPort workspace={workspace} reason={off} set={set} />
    </Card>
  );
}

interface AddProps {
  workspace: Workspace;
  reason: string | undefined;
  set: ReturnType<typeof useShares>["set"];
}

function AddPort({ workspace, reason, set }: AddProps) {
  const agents = (workspace.latest_build.resources ?? []).flatMap((r) => r.agents ?? []);
  const [agent, setAgent] = useState("");
  const [port, setPort] = useState("");
  const [protocol, setProtocol] = useState("http");
  const [level, setLevel] = useState<Level>("authenticated");
  const [error, setError] = useState<unknown>();
  const chosen = agent || agents[0]?.name;
  const stop = reason ?? (chosen ? undefined : words.portNoAgent);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (stop || set.isPending || !chosen || !port) return;
    setError(undefined);
    const body = { agent_name: chosen, port: Number(port), protocol, share_level: level };
    set.mutate(body, { onSuccess: () => setPort(""), onError: setError });
  };
  const inField = error instanceof ApiError ? error.field("port") : undefined;
  return (
    <form onSubmit={submit} className="flex flex-col gap-3 px-4 py-3">
      <div className="flex flex-wrap items-start gap-2">
        {agents.length > 1 ? (
          <Field label={words.agent}>
            <Select value={chosen} onChange={(e) => setAgent(e.target.value)}>
              {agents.map((a) => (
                <option key={a.id} value={a.name}>
                  {plain(a.name, 64)}
                </option>
              ))}
            </Select>
          </Field>
        ) : null}
        <span className="w-24">
          <Field label={words.port} error={inField}>
            <Input
              inputMode="numeric"
              value={port}
              maxLength={5}
              placeholder="3000"
              onChange={(e) => setPort(e.target.value.replace(/\D/g, ""))}
            />
          </Field>
        </span>
        <Field label={words.protocol}>
          <Select value={protocol} onChange={(e) => setProtocol(e.target.value)}>
            <option value="http">HTTP</option>
            <option value="https">HTTPS</option>
          </Select>
        </Field>
        <Field label={words.level}>
          <Select value={level} onChange={(e) => setLevel(e.target.value as Level)}>
            {levels.map((l) => (
              <option key={l} value={l}>
                {levelText[l]}
              </option>
            ))}
          </Select>
        </Field>
        <Button
          type="submit"
          className="mt-6.5"
          busy={set.isPending}
          reason={stop ?? (port ? undefined : words.portFirst)}
        >
          {words.sharePort}
        </Button>
      </div>
      {error && !inField ? <ApiErrorBox error={error} title={words.portNotShared} /> : null}
    </form>
  );
}
