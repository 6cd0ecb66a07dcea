import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { ApiError, request } from "@/api/client";
import type { Organization } from "@/api/generated";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { noRight } from "@/components/may";
import { OrganizationFields, organizationFieldNames } from "@/components/organizationfields";
import { Card } from "@/ui/bits";
import { Button } from "@/ui/button";
import { organizationEndpoints } from "./stale";
import { words as general, settingsWords as words } from "./texts";

interface Props {
  organization: Organization;
  allowed: boolean | undefined;
}

export function General({ organization, allowed }: Props) {
  const navigate = useNavigate();
  const before = {
    name: organization.name,
    display_name: organization.display_name,
    description: organization.description,
    icon: organization.icon,
  };
  const [form, setForm] = useState(before);
  const save = useChange(
    () =>
      request("PATCH /api/v2/organizations/{organization}", {
        path: { organization: organization.id },
        body: { ...form, name: form.name === before.name ? undefined : form.name.trim() },
      }),
    {
      stale: organizationEndpoints,
      done: general.saved,
      after: (now) => {
        if (now.name !== organization.name)
          void navigate({
            to: "/organizations/$organization/settings",
            params: { organization: now.name },
            replace: true,
          });
      },
    },
  );
  const error = save.error instanceof ApiError ? save.error : undefined;
  const changed = JSON.stringify(form) !== JSON.stringify(before);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (changed && !save.isPending && allowed !== false) save.mutate();
  };
  return (
    <Card title={words.general}>
      <form onSubmit={submit} className="flex max-w-xl flex-col gap-4 px-4 py-4">
        {save.isError && !organizationFieldNames.some((f) => error?.field(f)) ? (
          <ApiErrorBox error={save.error} />
        ) : null}
        <OrganizationFields form={form} onChange={setForm} error={error} disabled={allowed === false} />
        <Button
          type="submit"
          look="primary"
          className="self-start"
          busy={save.isPending}
          reason={noRight(allowed)}
          disabled={!changed}
        >
          {general.save}
        </Button>
      </form>
    </Card>
  );
}
