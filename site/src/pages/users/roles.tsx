import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { request } from "@/api/client";
import type { User } from "@/api/generated";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { RolePicker } from "@/components/roles";
import { Card, Skeleton } from "@/ui/bits";
import { Button } from "@/ui/button";
import { words } from "./texts";

/** Roles are those of the deployment; the ones of organizations are on the organizations' pages. */
export function Roles({ user, allowed }: { user: User; allowed: boolean | undefined }) {
  const roles = useQuery(read("GET /api/v2/users/roles"));
  const held = (user.roles ?? []).map((r) => r.name);
  const [draft, setDraft] = useState<string[]>();
  const value = draft ?? held;
  const save = useChange(
    (names: string[]) => request("PUT /api/v2/users/{user}/roles", { path: { user: user.id }, body: { roles: names } }),
    {
      stale: ["GET /api/v2/users", "GET /api/v2/users/{user}", "GET /api/v2/users/roles"],
      done: words.rolesSaved,
      after: () => setDraft(undefined),
    },
  );
  const changed = [...value].sort().join() !== [...held].sort().join();
  return (
    <Card title={words.siteRoles}>
      <div className="flex flex-col gap-4 px-4 py-4">
        {roles.isError ? <ApiErrorBox error={roles.error} onRetry={() => void roles.refetch()} /> : null}
        {save.isError ? <ApiErrorBox error={save.error} /> : null}
        {roles.isPending ? <Skeleton className="h-24" /> : null}
        {roles.data ? (
          <RolePicker roles={roles.data} value={value} onChange={setDraft} disabled={allowed === false} />
        ) : null}
        <p className="text-muted text-sm">{allowed === false ? words.noGive : words.noRoles}</p>
        <Button
          className="self-start"
          busy={save.isPending}
          disabled={!changed}
          reason={allowed === false ? words.noGive : undefined}
          onClick={() => save.mutate(value)}
        >
          {words.save}
        </Button>
      </div>
    </Card>
  );
}
