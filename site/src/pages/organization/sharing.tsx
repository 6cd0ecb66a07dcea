import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { request } from "@/api/client";
import type { Organization } from "@/api/generated";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { Card, Skeleton } from "@/ui/bits";
import { TypedName } from "@/ui/typedname";
import { settingsWords as words } from "./texts";

type Rule = (typeof words.sharingChoices)[number][0];

/** What each rule allows, from most to least: going down ends what is shared. */
const order: readonly string[] = ["everyone", "service_accounts", "none"];

interface Props {
  organization: Organization;
  allowed: boolean | undefined;
}

/** Sharing is which workspaces may be shared. A narrower rule asks first: it ends what is shared. */
export function Sharing({ organization, allowed }: Props) {
  const id = useId();
  const [asked, setAsked] = useState<Rule>();
  const endpoint = "GET /api/v2/organizations/{organization}/settings/workspace-sharing" as const;
  const place = { path: { organization: organization.id } };
  const { data, error, refetch } = useQuery(read(endpoint, place));
  const save = useChange(
    (rule: Rule) =>
      request("PATCH /api/v2/organizations/{organization}/settings/workspace-sharing", {
        ...place,
        body: { shareable_workspace_owners: rule, sharing_disabled: rule === "none" },
      }),
    { stale: [endpoint], done: words.sharingSaved, failed: words.sharingFailed },
  );
  const now = save.isPending ? save.variables : data?.shareable_workspace_owners;
  const choose = (rule: Rule) => {
    if (order.indexOf(rule) > order.indexOf(data?.shareable_workspace_owners ?? "")) setAsked(rule);
    else save.mutate(rule);
  };
  const off = allowed === false || data?.sharing_globally_disabled;
  return (
    <Card title={words.sharing}>
      <fieldset className="flex flex-col gap-3 px-4 py-4" disabled={off || save.isPending} aria-busy={save.isPending}>
        <legend className="sr-only">{words.sharing}</legend>
        <p className="text-muted">{data?.sharing_globally_disabled ? words.sharingOff : words.sharingText}</p>
        {error && !data ? <ApiErrorBox error={error} onRetry={() => void refetch()} /> : null}
        {!data && !error ? <Skeleton className="h-20" /> : null}
        {data
          ? words.sharingChoices.map(([rule, label]) => (
              <label key={rule} className="flex items-center gap-2.5">
                <input
                  type="radio"
                  name={id}
                  checked={now === rule}
                  onChange={() => choose(rule)}
                  className="size-4 accent-accent"
                />
                {label}
              </label>
            ))
          : null}
      </fieldset>
      {asked ? (
        <TypedName
          title={words.sharingTitle}
          text={words.sharingEnds}
          act={words.sharingAct}
          onClose={() => setAsked(undefined)}
          onConfirm={() => {
            setAsked(undefined);
            save.mutate(asked);
          }}
        />
      ) : null}
    </Card>
  );
}
