import { useQuery } from "@tanstack/react-query";
import { Plus, Search } from "lucide-react";
import { useState } from "react";
import type { Template, TemplateACL } from "@/api/generated";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { plain } from "@/lib/plain";
import { Avatar, Card } from "@/ui/bits";
import { Button } from "@/ui/button";
import { Field, Input, Select } from "@/ui/field";
import { Badge } from "@/ui/status";
import type { Grant } from "./permissions";
import { words } from "./texts";

interface Props {
  template: Template;
  acl: TemplateACL;
  busy: boolean;
  onGrant: (grant: Grant) => void;
}

/** So many of who is found are shown. */
const most = 8;

/** AddGrantee finds people and groups that are not on the list yet. */
export function AddGrantee({ template, acl, busy, onGrant }: Props) {
  const [search, setSearch] = useState("");
  const [role, setRole] = useState<"use" | "admin">("use");
  const path = { template: template.id };
  const { data, error } = useQuery(read("GET /api/v2/templates/{template}/acl/available", { path }));
  const listed = new Set([...(acl.users ?? []), ...(acl.group ?? [])].map((e) => e.id));
  const wanted = search.trim().toLowerCase();
  const groups = (data?.groups ?? []).map((g) => {
    const all = g.id === template.organization_id;
    const name = all ? words.everyone : g.display_name || g.name;
    return {
      kind: "group" as const,
      id: g.id,
      name,
      note: all ? words.everyoneText : words.members(g.total_member_count),
    };
  });
  const users = (data?.users ?? []).map((u) => ({ kind: "user" as const, id: u.id, name: u.username, note: u.email }));
  const found = [...groups, ...users].filter(
    (e) => !listed.has(e.id) && `${e.name} ${e.note}`.toLowerCase().includes(wanted),
  );
  return (
    <Card title={words.add}>
      <div className="flex flex-wrap items-start gap-2 px-4 pt-3 pb-2">
        <div className="relative min-w-0 flex-1 basis-56 [&_label]:sr-only">
          <Search size={15} aria-hidden className="absolute top-2 left-2.5 text-muted max-sm:top-3" />
          <Field label={words.addSearch}>
            <Input
              value={search}
              onChange={(e) => setSearch(e.target.value)}
              placeholder={words.addSearch}
              spellCheck={false}
              autoComplete="off"
              className="pl-8"
            />
          </Field>
        </div>
        <Select aria-label={words.addRole} value={role} onChange={(e) => setRole(e.target.value as typeof role)}>
          <option value="use">{words.roleUse}</option>
          <option value="admin">{words.roleAdmin}</option>
        </Select>
      </div>
      {error ? (
        <div className="px-4 pb-3">
          <ApiErrorBox error={error} />
        </div>
      ) : null}
      <ul aria-label={words.addSearch} className="pb-2">
        {found.slice(0, most).map((e) => (
          <li key={`${e.kind} ${e.id}`} className="flex items-center gap-3 px-4 py-1.5">
            <Avatar name={e.name} square={e.kind === "group"} size={24} />
            <span className="min-w-0 flex-1 truncate">
              {plain(e.name, 64)} <span className="text-muted text-sm">{plain(e.note, 128)}</span>
            </span>
            {e.kind === "group" ? <Badge>{words.group}</Badge> : null}
            <Button
              size="sm"
              icon={<Plus size={14} />}
              disabled={busy}
              aria-label={words.addOne(plain(e.name, 64))}
              onClick={() => onGrant({ kind: e.kind, id: e.id, role })}
            >
              {words.addShort}
            </Button>
          </li>
        ))}
      </ul>
      {data && found.length === 0 ? <p className="px-4 pb-3 text-muted">{words.addNone}</p> : null}
      {found.length > most ? (
        <p className="px-4 pb-3 text-muted text-sm">{words.addMore(found.length - most)}</p>
      ) : null}
    </Card>
  );
}
