import type { AssignableRole, SlimRole } from "@/api/generated";
import { plain } from "@/lib/plain";
import { Checkbox } from "@/ui/field";
import { Badge } from "@/ui/status";

const titleOf = (role: { name: string; display_name: string }) => plain(role.display_name || role.name, 64);

/** RoleChips are the roles that somebody holds; many are counted. */
export function RoleChips({ roles, none }: { roles: readonly SlimRole[] | null; none: string }) {
  const list = roles ?? [];
  if (list.length === 0) return <span className="text-muted">{none}</span>;
  const shown = list.length > 3 ? list.slice(0, 2) : list;
  return (
    <span className="flex flex-wrap gap-1" title={list.map(titleOf).join(", ")}>
      {shown.map((role) => (
        <Badge key={role.name} tone={role.name === "owner" ? "busy" : "off"}>
          <span className="max-w-40 truncate">{titleOf(role)}</span>
        </Badge>
      ))}
      {shown.length < list.length ? <Badge>{`+${list.length - shown.length}`}</Badge> : null}
    </span>
  );
}

interface Props {
  roles: readonly AssignableRole[];
  value: readonly string[];
  onChange: (roles: string[]) => void;
  /** about says what a role is for. */
  about?: (role: AssignableRole) => string | undefined;
  disabled?: boolean;
}

/** RolePicker ticks roles. Which of them the person may give, the server has said. */
export function RolePicker({ roles, value, onChange, about, disabled }: Props) {
  // What somebody holds and the list does not have must not be lost by a save.
  const unknown = value.filter((name) => !roles.some((r) => r.name === name));
  return (
    <ul className="flex flex-col gap-2.5">
      {roles.map((role) => {
        const note = about?.(role);
        return (
          <li key={role.name} className="min-w-0">
            <Checkbox
              label={titleOf(role)}
              checked={value.includes(role.name)}
              disabled={disabled || !role.assignable}
              onChange={(on) => onChange(on ? [...value, role.name] : value.filter((name) => name !== role.name))}
            />
            {note || !role.assignable ? (
              <p className="break-words pl-6 text-muted text-sm">
                {[note, role.assignable || disabled ? "" : "You may not give or take it."].filter(Boolean).join(" ")}
              </p>
            ) : null}
          </li>
        );
      })}
      {unknown.map((name) => (
        <li key={name}>
          <Checkbox label={plain(name, 64)} checked disabled onChange={() => {}} />
        </li>
      ))}
    </ul>
  );
}
