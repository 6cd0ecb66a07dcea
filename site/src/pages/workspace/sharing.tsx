import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Users, X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { request } from "@/api/client";
import type { Workspace } from "@/api/generated";
import { read } from "@/api/queries";
import { ApiErrorBox, toastError } from "@/components/apierror";
import { noRight, useMay } from "@/components/may";
import { plain } from "@/lib/plain";
import { Avatar, Card, Skeleton } from "@/ui/bits";
import { Button, IconButton } from "@/ui/button";
import { Select } from "@/ui/field";
import { PortShares } from "./portshares";
import { words } from "./texts";

/** Sharing says who else may use a workspace, and its ports. */
export function Sharing({ workspace }: { workspace: Workspace }) {
  return (
    <div className="flex max-w-2xl flex-col gap-5">
      <People workspace={workspace} />
      <PortShares workspace={workspace} />
    </div>
  );
}

/** Whom is a person or a group, with the role that they are to have; "" is none. */
interface Whom {
  kind: "user" | "group";
  id: string;
  role: string;
}

function People({ workspace }: { workspace: Workspace }) {
  const client = useQueryClient();
  const place = { path: { workspace: workspace.id } };
  const acl = useQuery(read("GET /api/v2/workspaces/{workspace}/acl", place));
  const can = useMay({ share: { action: "share", object: { resource_type: "workspace", resource_id: workspace.id } } });
  const set = useMutation({
    mutationFn: ({ kind, id, role }: Whom) =>
      request("PATCH /api/v2/workspaces/{workspace}/acl", {
        ...place,
        body: kind === "user" ? { user_roles: { [id]: role } } : { group_roles: { [id]: role } },
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["GET /api/v2/workspaces/{workspace}/acl"] }),
    onError: (error) => toastError(words.notShared, error),
  });
  const users = (acl.data?.users ?? []).map((u) => ({
    kind: "user" as const,
    id: u.id,
    role: u.role,
    name: plain(u.username, 64),
    about: plain(u.name ?? "", 100),
    icon: u.avatar_url,
  }));
  const groups = (acl.data?.group ?? []).map((g) => ({
    kind: "group" as const,
    id: g.id,
    role: g.role,
    name: plain(g.display_name || g.name, 64),
    about: words.members(g.total_member_count),
    icon: g.avatar_url,
  }));
  const entries = [...groups, ...users];
  const off = noRight(can.share);
  return (
    <Card title={words.people}>
      <p className="border-line border-b px-4 py-3 text-muted">{words.peopleText}</p>
      {acl.error ? (
        <div className="p-4">
          <ApiErrorBox error={acl.error} title={words.partFailed} onRetry={() => void acl.refetch()} />
        </div>
      ) : null}
      {acl.isPending ? <Skeleton className="m-4 h-16" /> : null}
      {acl.data && entries.length === 0 ? <p className="px-4 py-3 text-muted">{words.peopleNone}</p> : null}
      <ul>
        {entries.map((e) => (
          <li key={e.id} className="flex items-center gap-3 border-line border-b px-4 py-2">
            {e.kind === "group" && !e.icon ? (
              <Users size={18} aria-hidden className="mx-0.5 shrink-0 text-muted" />
            ) : (
              <Avatar name={e.name} src={e.icon} size={22} />
            )}
            <span className="min-w-0 flex-1">
              <span className="block truncate font-medium">{e.name}</span>
              {e.about ? <span className="block truncate text-muted text-sm">{e.about}</span> : null}
            </span>
            <Select
              aria-label={words.roleOf(e.name)}
              value={e.role}
              disabled={Boolean(off) || set.isPending}
              onChange={(event) => set.mutate({ kind: e.kind, id: e.id, role: event.target.value })}
            >
              <option value="use">{words.roleUse}</option>
              <option value="admin">{words.roleAdmin}</option>
            </Select>
            <IconButton
              label={words.unshare(e.name)}
              disabled={Boolean(off) || set.isPending}
              onClick={() => set.mutate({ kind: e.kind, id: e.id, role: "" })}
            >
              <X size={15} />
            </IconButton>
          </li>
        ))}
      </ul>
      <Add
        workspace={workspace}
        taken={new Set(entries.map((e) => e.id))}
        busy={set.isPending}
        reason={off}
        onAdd={set.mutate}
      />
    </Card>
  );
}

interface AddProps {
  workspace: Workspace;
  taken: ReadonlySet<string>;
  busy: boolean;
  reason: string | undefined;
  onAdd: (whom: Whom) => void;
}

function Add({ workspace, taken, busy, reason, onAdd }: AddProps) {
  const [who, setWho] = useState("");
  const [role, setRole] = useState("use");
  const place = { path: { organization: workspace.organization_id } };
  const members = useQuery(
    read("GET /api/v2/organizations/{organization}/members", { ...place, query: { limit: 1000 } }),
  );
  const groups = useQuery(read("GET /api/v2/organizations/{organization}/groups", place));
  const people = (members.data ?? []).filter((m) => m.user_id !== workspace.owner_id && !taken.has(m.user_id));
  const bands = (groups.data ?? []).filter((g) => !taken.has(g.id));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const [kind, id] = who.split(" ");
    if (reason || busy || !id) return;
    onAdd({ kind: kind === "group" ? "group" : "user", id, role });
    setWho("");
  };
  const error = members.error ?? groups.error;
  if (error)
    return (
      <div className="p-4">
        <ApiErrorBox error={error} title={words.partFailed} />
      </div>
    );
  return (
    <form onSubmit={submit} className="flex flex-wrap items-center gap-2 px-4 py-3">
      <Select
        aria-label={words.shareWith}
        value={who}
        disabled={Boolean(reason)}
        onChange={(e) => setWho(e.target.value)}
        className="min-w-0 flex-1 basis-48"
      >
        <option value="">{words.shareWith}</option>
        {bands.length > 0 ? (
          <optgroup label={words.groups}>
            {bands.map((g) => (
              <option key={g.id} value={`group ${g.id}`}>
                {plain(g.display_name || g.name, 64)}
              </option>
            ))}
          </optgroup>
        ) : null}
        {people.length > 0 ? (
          <optgroup label={words.persons}>
            {people.map((m) => (
              <option key={m.user_id} value={`user ${m.user_id}`}>
                {m.username}
              </option>
            ))}
          </optgroup>
        ) : null}
      </Select>
      <Select aria-label={words.role} value={role} disabled={Boolean(reason)} onChange={(e) => setRole(e.target.value)}>
        <option value="use">{words.roleUse}</option>
        <option value="admin">{words.roleAdmin}</option>
      </Select>
      <Button type="submit" busy={busy} reason={reason ?? (who ? undefined : words.choosePerson)}>
        {words.share}
      </Button>
    </form>
  );
}
