import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { X } from "lucide-react";
import { request } from "@/api/client";
import type { Template, TemplateACL } from "@/api/generated";
import { keyOf, read } from "@/api/queries";
import { ApiErrorBox, toastError } from "@/components/apierror";
import { plain } from "@/lib/plain";
import { Avatar, Card, Skeleton } from "@/ui/bits";
import { Button } from "@/ui/button";
import { Select } from "@/ui/field";
import { Badge } from "@/ui/status";
import { AddGrantee } from "./addgrantee";
import { useRights, useTemplate } from "./data";
import { SettingsFrame } from "./settingsframe";
import { words } from "./texts";

export default function TemplatePermissions() {
  const template = useTemplate();
  const can = useRights(template);
  return (
    <SettingsFrame template={template}>
      {can.update === false ? null : <Permissions template={template} />}
    </SettingsFrame>
  );
}

/** Grant gives a role to a person or a group; "" takes it away. */
export interface Grant {
  kind: "user" | "group";
  id: string;
  role: "use" | "admin" | "";
}

function Permissions({ template }: { template: Template }) {
  const path = { template: template.id };
  const { data, error, refetch } = useQuery(read("GET /api/v2/templates/{template}/acl", { path }));
  const grant = useGrant(template);
  if (error) return <ApiErrorBox error={error} title={words.partFailed} onRetry={() => void refetch()} />;
  if (!data) return <Skeleton className="h-40" />;
  const rows = rowsOf(data, template);
  return (
    <div className="flex max-w-3xl flex-col gap-4">
      <p className="text-muted">{words.permissionsText}</p>
      <Card>
        {rows.length === 0 ? <p className="px-4 py-3 text-muted">{words.aclEmpty}</p> : null}
        <ul aria-label={words.permissions}>
          {rows.map((row) => (
            <Row
              key={`${row.kind} ${row.id}`}
              row={row}
              busy={grant.isPending && grant.variables.id === row.id}
              onGrant={(role) => grant.mutate({ kind: row.kind, id: row.id, role })}
            />
          ))}
        </ul>
      </Card>
      <AddGrantee template={template} acl={data} onGrant={grant.mutate} busy={grant.isPending} />
    </div>
  );
}

function useGrant(template: Template) {
  const client = useQueryClient();
  const key = keyOf("GET /api/v2/templates/{template}/acl", { path: { template: template.id } });
  return useMutation({
    mutationFn: ({ kind, id, role }: Grant) =>
      request("PATCH /api/v2/templates/{template}/acl", {
        path: { template: template.id },
        body: kind === "user" ? { user_perms: { [id]: role } } : { group_perms: { [id]: role } },
      }),
    onMutate: async ({ id, role }) => {
      // Shown at once; what the server has comes after it.
      await client.cancelQueries({ queryKey: key });
      const put = <T extends { id: string; role: string }>(list: T[] | null) =>
        (list ?? []).flatMap((e) => (e.id !== id ? [e] : role ? [{ ...e, role }] : []));
      client.setQueryData<TemplateACL>(key, (old) => (old ? { users: put(old.users), group: put(old.group) } : old));
    },
    onError: (error) => toastError(words.aclFailed, error),
    onSettled: () => client.invalidateQueries({ queryKey: key }),
  });
}

interface RowData {
  kind: "user" | "group";
  id: string;
  name: string;
  note: string;
  avatar?: string;
  role: string;
}

function rowsOf(acl: TemplateACL, template: Template): RowData[] {
  const groups = (acl.group ?? []).map((g): RowData => {
    const all = g.id === template.organization_id;
    return {
      kind: "group",
      id: g.id,
      name: all ? words.everyone : plain(g.display_name || g.name, 64),
      note: all ? words.everyoneText : words.members(g.total_member_count),
      avatar: g.avatar_url,
      role: g.role,
    };
  });
  const users = (acl.users ?? []).map(
    (u): RowData => ({
      kind: "user",
      id: u.id,
      name: plain(u.username, 64),
      note: plain(u.name || u.email, 128),
      avatar: u.avatar_url,
      role: u.role,
    }),
  );
  return [...groups, ...users];
}

function Row({ row, busy, onGrant }: { row: RowData; busy: boolean; onGrant: (role: Grant["role"]) => void }) {
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 border-line border-b px-4 py-2.5 last:border-b-0">
      <Avatar name={row.name} src={row.avatar} square={row.kind === "group"} size={28} />
      <div className="min-w-0 flex-1 basis-40">
        <p className="flex items-center gap-2">
          <span className="truncate font-medium">{row.name}</span>
          {row.kind === "group" ? <Badge>{words.group}</Badge> : null}
        </p>
        <p className="truncate text-muted text-sm">{row.note}</p>
      </div>
      <Select
        aria-label={words.roleOf(row.name)}
        value={row.role}
        onChange={(e) => onGrant(e.target.value as Grant["role"])}
      >
        <option value="use">{words.roleUse}</option>
        <option value="admin">{words.roleAdmin}</option>
      </Select>
      <Button
        look="quiet"
        icon={<X size={15} />}
        busy={busy}
        aria-label={words.removeOf(row.name)}
        onClick={() => onGrant("")}
      >
        {words.remove}
      </Button>
    </li>
  );
}
