import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { request } from "@/api/client";
import type { User } from "@/api/generated";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { noRight } from "@/components/may";
import { plain } from "@/lib/plain";
import { Card } from "@/ui/bits";
import { Button } from "@/ui/button";
import { TypedName } from "@/ui/typedname";
import { words } from "./texts";

const route = getRouteApi("/in/deployment/deployment/users/$user");

export function Delete({ user, self, allowed }: { user: User; self: boolean; allowed: boolean | undefined }) {
  const navigate = route.useNavigate();
  const [asked, setAsked] = useState(false);
  const name = plain(user.username, 64);
  const workspaces =
    useQuery(read("GET /api/v2/workspaces", { query: { q: `owner:${user.username}`, limit: 1 } })).data?.count ?? 0;
  const remove = useChange(() => request("DELETE /api/v2/users/{user}", { path: { user: user.id } }), {
    stale: ["GET /api/v2/users"],
    done: words.deleted(name),
    after: () => void navigate({ to: "/deployment/users" }),
  });
  const reason = self ? words.deleteSelf : workspaces > 0 ? words.deleteBlocked(workspaces) : noRight(allowed);
  return (
    <Card title={words.deleteTitle}>
      <div className="flex flex-wrap items-center justify-between gap-3 px-4 py-4">
        <p className="min-w-0 flex-1 basis-60 text-muted">
          {words.deleteText}
          {reason ? <span className="mt-1 block text-text">{reason}</span> : null}
        </p>
        <Button look="danger" reason={reason} onClick={() => setAsked(true)}>
          {words.deleteAct}
        </Button>
      </div>
      {asked ? (
        <TypedName
          title={words.deleteDialog(name)}
          text={words.deleteText}
          name={user.username}
          act={words.delete}
          busy={remove.isPending}
          onConfirm={() => remove.mutate()}
          onClose={() => setAsked(false)}
        >
          {remove.isError ? <ApiErrorBox error={remove.error} title={words.notDeleted} /> : null}
        </TypedName>
      ) : null}
    </Card>
  );
}
