import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { request } from "@/api/client";
import type { Organization } from "@/api/generated";
import { organizationRoles } from "@/api/people";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { noRight } from "@/components/may";
import { RolePicker } from "@/components/roles";
import { Card, Skeleton } from "@/ui/bits";
import { Button } from "@/ui/button";
import { organizationEndpoints } from "./stale";
import { words as general, settingsWords as words } from "./texts";

interface Props {
  organization: Organization;
  allowed: boolean | undefined;
}

/** DefaultRoles are those that every member holds without being given them. */
export function DefaultRoles({ organization, allowed }: Props) {
  const held = organization.default_org_member_roles ?? [];
  const [draft, setDraft] = useState<string[]>();
  const value = draft ?? held;
  const roles = useQuery(organizationRoles(organization.name));
  const save = useChange(
    (names: string[]) =>
      request("PATCH /api/v2/organizations/{organization}", {
        path: { organization: organization.id },
        body: { default_org_member_roles: names },
      }),
    { stale: organizationEndpoints, done: general.saved, after: () => setDraft(undefined) },
  );
  return (
    <Card title={words.defaultRoles}>
      <div className="flex flex-col gap-4 px-4 py-4">
        <p className="text-muted">{words.defaultRolesText}</p>
        {save.isError ? <ApiErrorBox error={save.error} /> : null}
        {roles.isError ? <ApiErrorBox error={roles.error} onRetry={() => void roles.refetch()} /> : null}
        {roles.isPending ? <Skeleton className="h-32" /> : null}
        {roles.data ? (
          <RolePicker roles={roles.data} value={value} onChange={setDraft} disabled={allowed === false} />
        ) : null}
        <Button
          className="self-start"
          busy={save.isPending}
          reason={noRight(allowed)}
          disabled={[...value].sort().join() === [...held].sort().join()}
          onClick={() => save.mutate(value)}
        >
          {general.save}
        </Button>
      </div>
    </Card>
  );
}
