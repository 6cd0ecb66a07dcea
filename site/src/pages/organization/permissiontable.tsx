import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { AssignableRole, AuthorizationObject, Organization } from "@/api/generated";
import { read } from "@/api/queries";
import { useMay } from "@/components/may";
import { Checkbox, Input } from "@/ui/field";
import { Panel, Tabs } from "@/ui/tabs";
import { type Choice, catalogue, changed, inWords, type Level, levels } from "./permissions";
import { roleWords as words } from "./texts";

interface Props {
  organization: Organization;
  roles: readonly AssignableRole[];
  choice: Choice;
  onChange: (choice: Choice) => void;
  fixed: boolean;
}

/** PermissionTable is resources by actions, a tab for each level. */
export function PermissionTable({ organization, roles, choice, onChange, fixed }: Props) {
  const [level, setLevel] = useState<Level>(() => levels.find((l) => choice[l].size > 0) ?? levels[0]);
  const label = (l: Level) => (
    <>
      {words.levels[l][0]}
      {choice[l].size > 0 ? <span className="text-muted text-xs tabular-nums">{choice[l].size}</span> : null}
    </>
  );
  return (
    <Tabs
      label={words.level}
      value={level}
      onChange={(key) => setLevel(key as Level)}
      tabs={levels.map((l) => [l, label(l)] as const)}
    >
      <Panel value={level}>
        <Table
          key={level}
          level={level}
          organization={organization}
          roles={roles}
          choice={choice}
          onChange={onChange}
          fixed={fixed}
        />
      </Panel>
    </Tabs>
  );
}

/** What there is at a level, the server says by the roles that permit all of it. */
function useCatalogue(level: Level, roles: readonly AssignableRole[]) {
  const site = useQuery(read("GET /api/v2/users/roles")).data;
  const inside = level === "organization_permissions" || level === "organization_member_permissions";
  const all = inside ? roles.map((r) => r.organization_permissions) : site?.map((r) => r.site_permissions);
  const members = inside ? roles.map((r) => r.organization_member_permissions) : [];
  return catalogue([...(all ?? []), ...members].flatMap((list) => list ?? []));
}

function objectOf(level: Level, organization: Organization, resource_type: string): AuthorizationObject {
  return {
    resource_type,
    organization_id: level.startsWith("organization") ? organization.id : undefined,
    owner_id: level === "organization_member_permissions" || level === "user_permissions" ? "me" : undefined,
  };
}

function Table({ level, organization, roles, choice, onChange, fixed }: Props & { level: Level }) {
  const [filter, setFilter] = useState("");
  const rows = useCatalogue(level, roles);
  const checks = rows.flatMap(([type, actions]) =>
    actions.map((action) => [`${type}:${action}`, { action, object: objectOf(level, organization, type) }] as const),
  );
  const held: Partial<Record<string, boolean>> = useMay(Object.fromEntries(checks));
  const wanted = filter.toLowerCase();
  const shown = rows.filter(
    ([type, actions]) =>
      inWords(type).toLowerCase().includes(wanted) || actions.some((a) => inWords(a).toLowerCase().includes(wanted)),
  );
  const beyond = !fixed && checks.some(([key]) => held[key] === false);
  return (
    <div className="flex flex-col gap-3">
      <p className="text-muted">
        {words.levels[level][1]} {beyond ? words.unheld : ""}
      </p>
      <Input
        type="search"
        aria-label={words.filter}
        placeholder={words.filter}
        value={filter}
        onChange={(e) => setFilter(e.target.value)}
        onKeyDown={(e) => e.key === "Enter" && e.preventDefault()}
        maxLength={64}
        className="max-w-xs"
      />
      {shown.length === 0 && rows.length > 0 ? <p className="py-4 text-muted">{words.nothing}</p> : null}
      {shown.length > 0 ? (
        <div className="overflow-hidden rounded-lg border border-line bg-surface">
          <table className="w-full table-fixed text-left">
            <thead className="bg-sunken text-muted text-xs max-sm:sr-only">
              <tr>
                <th scope="col" className="h-9 w-52 border-line border-b px-4 font-medium">
                  {words.resource}
                </th>
                <th scope="col" className="h-9 border-line border-b px-2 font-medium">
                  {words.actions}
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map(([type, actions]) => (
                <Row
                  key={type}
                  type={type}
                  actions={actions}
                  set={choice[level]}
                  held={held}
                  fixed={fixed}
                  onChange={(keys, on) => onChange(changed(choice, level, keys, on))}
                />
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
    </div>
  );
}

interface RowProps {
  type: string;
  actions: string[];
  set: ReadonlySet<string>;
  held: Partial<Record<string, boolean>>;
  fixed: boolean;
  onChange: (keys: string[], on: boolean) => void;
}

function Row({ type, actions, set, held, fixed, onChange }: RowProps) {
  const keys = actions.map((action) => `${type}:${action}`);
  const open = keys.filter((key) => held[key] !== false);
  const count = keys.filter((key) => set.has(key)).length;
  const name = inWords(type);
  return (
    <tr className="border-line not-last:border-b max-sm:block max-sm:py-2">
      <th scope="row" className="px-4 py-2.5 text-left align-top font-medium max-sm:block max-sm:pb-1">
        <span className="flex items-start gap-2">
          <span className="mt-0.5">
            <Checkbox
              bare
              label={words.all(name)}
              checked={count === 0 ? false : count === keys.length ? true : "indeterminate"}
              disabled={fixed || open.length === 0}
              onChange={(on) => onChange(on ? open : keys, on)}
            />
          </span>
          <span className="min-w-0 break-words">{name}</span>
        </span>
      </th>
      <td className="px-2 py-2.5 align-top max-sm:block max-sm:pl-10">
        <span className="flex flex-wrap gap-x-5 gap-y-2">
          {actions.map((action) => {
            const key = `${type}:${action}`;
            const beyond = held[key] === false && !fixed;
            return (
              <span key={key} title={beyond ? words.notHeld : undefined} className={beyond ? "text-faint" : undefined}>
                <Checkbox
                  label={inWords(action)}
                  checked={set.has(key)}
                  disabled={fixed || (beyond && !set.has(key))}
                  onChange={(on) => onChange([key], on)}
                />
              </span>
            );
          })}
        </span>
      </td>
    </tr>
  );
}
