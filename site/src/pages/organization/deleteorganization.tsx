import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { request } from "@/api/client";
import type { Organization } from "@/api/generated";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { noRight } from "@/components/may";
import { plain } from "@/lib/plain";
import { Card } from "@/ui/bits";
import { Button } from "@/ui/button";
import { TypedName } from "@/ui/typedname";
import { words as general, settingsWords as words } from "./texts";

interface Props {
  organization: Organization;
  allowed: boolean | undefined;
}

export function DeleteOrganization({ organization, allowed }: Props) {
  const navigate = useNavigate();
  const [asked, setAsked] = useState(false);
  const title = plain(organization.display_name || organization.name, 64);
  const remove = useChange(
    () => request("DELETE /api/v2/organizations/{organization}", { path: { organization: organization.id } }),
    {
      stale: ["GET /api/v2/organizations", "GET /api/v2/users/{user}/organizations"],
      done: general.deleted(title),
      after: () => void navigate({ to: "/organizations" }),
    },
  );
  return (
    <Card title={words.deleteTitle}>
      <div className="flex flex-wrap items-center justify-between gap-3 px-4 py-4">
        <p className="min-w-0 flex-1 basis-60 text-muted">
          {organization.is_default ? words.isDefault : words.deleteText}
        </p>
        <Button
          look="danger"
          reason={organization.is_default ? words.isDefault : noRight(allowed)}
          onClick={() => setAsked(true)}
        >
          {general.deleteDots}
        </Button>
      </div>
      {asked ? (
        <TypedName
          title={general.deleteTitle(title)}
          text={words.deleteText}
          name={organization.name}
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
