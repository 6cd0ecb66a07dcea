import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { request } from "@/api/client";
import type { Organization, OrganizationMember } from "@/api/generated";
import { organizationRoles } from "@/api/people";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { RolePicker } from "@/components/roles";
import { plain } from "@/lib/plain";
import { texts } from "@/lib/texts";
import { Skeleton } from "@/ui/bits";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { memberEndpoints } from "./stale";
import { words } from "./texts";
import { roleTitle } from "./titles";

interface Props {
  organization: Organization;
  member: OrganizationMember;
  onClose: () => void;
}

export function MemberRoles({ organization, member, onClose }: Props) {
  const held = (member.roles ?? []).map((r) => r.name);
  const [value, setValue] = useState(held);
  const roles = useQuery(organizationRoles(organization.name));
  const save = useChange(
    () =>
      request("PUT /api/v2/organizations/{organization}/members/{user}/roles", {
        path: { organization: organization.id, user: member.user_id },
        body: { roles: value },
      }),
    { stale: memberEndpoints, done: words.rolesSaved, after: onClose },
  );
  const defaults = (organization.default_org_member_roles ?? []).map((name) => roleTitle(roles.data, name));
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={words.rolesOf(plain(member.username, 64))}
      text={defaults.length > 0 ? words.rolesDefault(defaults.join(", ")) : undefined}
      footer={
        <>
          <Button onClick={onClose}>{texts.cancel}</Button>
          <Button
            look="primary"
            busy={save.isPending}
            disabled={[...value].sort().join() === [...held].sort().join()}
            onClick={() => save.mutate()}
          >
            {words.save}
          </Button>
        </>
      }
    >
      {save.isError ? <ApiErrorBox error={save.error} /> : null}
      {roles.isError ? <ApiErrorBox error={roles.error} onRetry={() => void roles.refetch()} /> : null}
      {roles.isPending ? <Skeleton className="h-40" /> : null}
      {roles.data ? <RolePicker roles={roles.data} value={value} onChange={setValue} /> : null}
    </Dialog>
  );
}
