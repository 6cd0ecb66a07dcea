import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ApiError, request } from "@/api/client";
import type { Organization } from "@/api/generated";
import { organizationGroups } from "@/api/people";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { noRight } from "@/components/may";
import { Card, Skeleton } from "@/ui/bits";
import { Button } from "@/ui/button";
import { Field, Input } from "@/ui/field";
import { groupEndpoints } from "./stale";
import { words as general, settingsWords as words } from "./texts";

interface Props {
  organization: Organization;
  allowed: boolean | undefined;
}

/** Quota is the allowance of the group of all members, whose id is that of the organization. */
export function Quota({ organization, allowed }: Props) {
  const [draft, setDraft] = useState<string>();
  const { data, error, refetch } = useQuery(organizationGroups(organization.name));
  const everyone = data?.find((g) => g.id === organization.id);
  const now = String(everyone?.quota_allowance ?? 0);
  const value = draft ?? now;
  const save = useChange(
    () =>
      request("PATCH /api/v2/groups/{group}", {
        path: { group: organization.id },
        body: { quota_allowance: Number(value) },
      }),
    { stale: groupEndpoints, done: general.saved, after: () => setDraft(undefined) },
  );
  const inField = save.error instanceof ApiError ? save.error.field("quota_allowance") : undefined;
  const bad = /^\d+$/.test(value) ? undefined : general.allowanceBad;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!bad && value !== now && !save.isPending && allowed !== false) save.mutate();
  };
  return (
    <Card title={words.quota}>
      <form onSubmit={submit} className="flex max-w-xl flex-col gap-4 px-4 py-4">
        {error && !data ? <ApiErrorBox error={error} onRetry={() => void refetch()} /> : null}
        {save.isError && !inField ? <ApiErrorBox error={save.error} /> : null}
        {!data && !error ? <Skeleton className="h-16" /> : null}
        {data ? (
          <Field label={words.quotaField} hint={words.quotaText} error={bad ?? inField}>
            <Input
              type="number"
              min={0}
              max={2_147_483_647}
              step={1}
              value={value}
              disabled={allowed === false}
              onChange={(e) => setDraft(e.target.value)}
              className="max-w-40"
            />
          </Field>
        ) : null}
        <Button
          type="submit"
          className="self-start"
          busy={save.isPending}
          reason={noRight(allowed)}
          disabled={Boolean(bad) || value === now}
        >
          {general.save}
        </Button>
      </form>
    </Card>
  );
}
