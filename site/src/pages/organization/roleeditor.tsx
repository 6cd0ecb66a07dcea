import { getRouteApi, Link } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { type FormEvent, useRef, useState } from "react";
import { ApiError, request } from "@/api/client";
import type { AssignableRole, CustomRoleRequest, Organization } from "@/api/generated";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { type Answers, noRight } from "@/components/may";
import { plain } from "@/lib/plain";
import { Card } from "@/ui/bits";
import { Button } from "@/ui/button";
import { Field, Input } from "@/ui/field";
import { Badge } from "@/ui/status";
import { TypedName } from "@/ui/typedname";
import { choiceOf, countOf, permissionsOf, sameChoice } from "./permissions";
import { PermissionTable } from "./permissiontable";
import { roleEndpoints } from "./stale";
import { words as general, roleWords as words } from "./texts";

const route = getRouteApi("/in/organizations/$organization/roles");

interface Props {
  organization: Organization;
  roles: readonly AssignableRole[];
  /** role is what is shown or changed; without one, one is made. */
  role?: AssignableRole;
  can: Answers<"create" | "update" | "delete">;
}

const atName = (e: unknown) => e instanceof ApiError && Boolean(e.field("name") || e.field("display_name"));

/** RoleEditor shows what a role permits, and changes custom ones. */
export function RoleEditor({ organization, roles, role, can }: Props) {
  const navigate = route.useNavigate();
  const [name, setName] = useState(role?.name ?? "");
  const [title, setTitle] = useState(role?.display_name ?? "");
  const [choice, setChoice] = useState(() => choiceOf(role));
  const allowed = role ? can.update : can.create;
  const fixed = Boolean(role?.built_in) || allowed === false;
  const names = useRef<HTMLDivElement>(null);
  const place = { path: { organization: organization.id } };
  const save = useChange(
    (body: CustomRoleRequest) =>
      role
        ? request("PUT /api/v2/organizations/{organization}/members/roles", { ...place, body })
        : request("POST /api/v2/organizations/{organization}/members/roles", { ...place, body }),
    {
      stale: roleEndpoints,
      done: role ? words.saved : words.created(plain(title || name, 64)),
      after: () => void navigate({ search: {} }),
    },
  );
  const error = save.error instanceof ApiError ? save.error : undefined;
  const inField = atName(error);
  const changed = !role || title !== role.display_name || !sameChoice(choice, choiceOf(role));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!fixed && changed && !save.isPending)
      save.mutate(
        { name: name.trim(), display_name: title.trim(), ...permissionsOf(choice) },
        // The table is long: a field with an error is brought into sight.
        { onError: (e) => atName(e) && names.current?.scrollIntoView({ block: "center" }) },
      );
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-5">
      <header className="flex flex-col gap-3">
        <Link
          to="/organizations/$organization/roles"
          params={{ organization: organization.name }}
          className="inline-flex items-center gap-1.5 self-start rounded-sm text-muted text-sm hover:text-text"
        >
          <ArrowLeft size={14} aria-hidden />
          {words.back}
        </Link>
        <h1 className="flex min-w-0 items-center gap-2 font-semibold text-lg tracking-tight">
          <span className="truncate">{role ? plain(role.display_name || role.name, 64) : words.editorNew}</span>
          {role ? <Badge>{role.built_in ? words.builtIn : words.custom}</Badge> : null}
        </h1>
        {role?.built_in ? <p className="text-muted">{words.fixed}</p> : null}
      </header>
      {role?.built_in ? null : (
        <div ref={names} className="grid max-w-xl gap-4 sm:grid-cols-2">
          <Field label={words.name} hint={role ? undefined : words.nameHint} error={error?.field("name")}>
            <Input
              value={name}
              onChange={(e) => setName(e.target.value)}
              disabled={Boolean(role) || fixed}
              required
              maxLength={32}
              spellCheck={false}
              autoCapitalize="none"
              autoComplete="off"
            />
          </Field>
          <Field label={words.displayName} error={error?.field("display_name")}>
            <Input value={title} onChange={(e) => setTitle(e.target.value)} disabled={fixed} maxLength={64} />
          </Field>
        </div>
      )}
      <PermissionTable organization={organization} roles={roles} choice={choice} onChange={setChoice} fixed={fixed} />
      {save.isError && !inField ? <ApiErrorBox error={save.error} /> : null}
      {role?.built_in ? null : (
        <div className="flex flex-wrap items-center gap-3">
          <Button
            look="primary"
            type="submit"
            busy={save.isPending}
            disabled={!changed}
            reason={allowed === false ? words.mayNot : undefined}
          >
            {role ? words.save : words.create}
          </Button>
          <p className="text-muted">{words.chosen(countOf(choice))}</p>
        </div>
      )}
      {role && !role.built_in ? <Delete organization={organization} role={role} allowed={can.delete} /> : null}
    </form>
  );
}

interface DeleteProps {
  organization: Organization;
  role: AssignableRole;
  allowed: boolean | undefined;
}

function Delete({ organization, role, allowed }: DeleteProps) {
  const navigate = route.useNavigate();
  const [asked, setAsked] = useState(false);
  const remove = useChange(
    () =>
      request("DELETE /api/v2/organizations/{organization}/members/roles/{roleName}", {
        path: { organization: organization.id, roleName: role.name },
      }),
    {
      stale: roleEndpoints,
      done: general.deleted(plain(role.name, 64)),
      after: () => void navigate({ search: {} }),
    },
  );
  return (
    <Card className="max-w-2xl">
      <div className="flex flex-wrap items-center justify-between gap-3 px-4 py-4">
        <p className="min-w-0 flex-1 basis-60 text-muted">{words.deleteText}</p>
        <Button look="danger" reason={noRight(allowed)} onClick={() => setAsked(true)}>
          {general.deleteDots}
        </Button>
      </div>
      {asked ? (
        <TypedName
          title={general.deleteTitle(plain(role.display_name || role.name, 64))}
          text={words.deleteText}
          name={role.name}
          act={general.delete}
          busy={remove.isPending}
          onConfirm={() => remove.mutate()}
          onClose={() => setAsked(false)}
        >
          {remove.isError ? <ApiErrorBox error={remove.error} title={general.notDeleted} /> : null}
        </TypedName>
      ) : null}
    </Card>
  );
}
