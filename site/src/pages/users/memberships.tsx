import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Organization, User } from "@/api/generated";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { plain } from "@/lib/plain";
import { Avatar, Card, Skeleton } from "@/ui/bits";
import { buttonClass } from "@/ui/button";
import { words } from "./texts";

/** Memberships are the organizations of a user, with what their workspaces cost there. */
export function Memberships({ user }: { user: User }) {
  const list = useQuery(read("GET /api/v2/users/{user}/organizations", { path: { user: user.id } }));
  const workspaces = useQuery(
    read("GET /api/v2/workspaces", { query: { q: `owner:${user.username}`, limit: 1 } }),
  ).data;
  return (
    <Card
      title={words.organizations}
      actions={
        <Link
          to="/workspaces"
          search={{ filter: `owner:${user.username}` }}
          className={buttonClass("plain", "sm")}
          title={workspaces ? words.workspaceCount(workspaces.count) : undefined}
        >
          {words.workspaces}
          {workspaces ? <span className="text-muted">{workspaces.count.toLocaleString("en")}</span> : null}
        </Link>
      }
    >
      {list.isError ? (
        <div className="p-4">
          <ApiErrorBox error={list.error} onRetry={() => void list.refetch()} />
        </div>
      ) : null}
      {list.isPending ? <Skeleton className="m-4 h-10" /> : null}
      {list.data?.length === 0 ? <p className="px-4 py-4 text-muted">{words.organizationsEmpty}</p> : null}
      <ul>
        {list.data?.map((o) => (
          <Membership key={o.id} organization={o} user={user} />
        ))}
      </ul>
    </Card>
  );
}

function Membership({ organization, user }: { organization: Organization; user: User }) {
  const quota = useQuery(
    read("GET /api/v2/organizations/{organization}/members/{user}/workspace-quota", {
      path: { organization: organization.id, user: user.id },
    }),
  ).data;
  const name = plain(organization.display_name || organization.name, 64);
  return (
    <li className="flex items-center gap-3 border-line px-4 py-2.5 not-last:border-b">
      <Avatar name={name} src={organization.icon} square size={24} />
      <Link
        to="/organizations/$organization"
        params={{ organization: organization.name }}
        search={{ q: user.username }}
        className="min-w-0 flex-1 truncate rounded-sm font-medium hover:underline"
      >
        {name}
      </Link>
      {quota ? (
        <span className="whitespace-nowrap text-muted text-sm" title={words.quotaTitle}>
          {words.quota(quota.credits_consumed, quota.budget)}
        </span>
      ) : null}
    </li>
  );
}
