import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import type { User } from "@/api/generated";
import { me, read } from "@/api/queries";
import { Ago } from "@/components/ago";
import { useMay } from "@/components/may";
import { PageError } from "@/components/pagestates";
import { loginTypes, UserStatus } from "@/components/person";
import { plain } from "@/lib/plain";
import { Avatar, Skeleton } from "@/ui/bits";
import { CopyButton } from "@/ui/codeblock";
import { Badge } from "@/ui/status";
import { Access } from "./access";
import { Delete } from "./delete";
import { Memberships } from "./memberships";
import { Profile } from "./profile";
import { Roles } from "./roles";
import { words } from "./texts";

const route = getRouteApi("/in/deployment/deployment/users/$user");

export default function UserPage() {
  const { user: name } = route.useParams();
  const { data: user, error } = useQuery(read("GET /api/v2/users/{user}", { path: { user: name } }));
  if (error && !user) return <PageError error={error} />;
  if (!user) return <Skeleton className="h-96" />;
  return <Known key={user.id} user={user} />;
}

function Known({ user }: { user: User }) {
  const self = useQuery(me()).data?.id === user.id;
  const object = { resource_type: "user", resource_id: user.id };
  const can = useMay({
    update: { action: "update", object },
    personal: { action: "update_personal", object },
    delete: { action: "delete", object },
    assign: { action: "assign", object: { resource_type: "assign_role" } },
  });
  return (
    <>
      <Head user={user} />
      <div className="flex max-w-2xl flex-col gap-5">
        <Profile key={`${user.username} ${user.name} ${user.avatar_url}`} user={user} allowed={can.personal} />
        <Roles user={user} allowed={can.assign} />
        <Memberships user={user} />
        <Access user={user} self={self} allowed={can.update} personal={can.personal} />
        <Delete user={user} self={self} allowed={can.delete} />
      </div>
    </>
  );
}

function Head({ user }: { user: User }) {
  const facts: [string, React.ReactNode][] = [
    [words.login, loginTypes[user.login_type] ?? plain(user.login_type, 32)],
    [words.seenAt, <Ago key="seen" at={user.last_seen_at} />],
    [words.madeAt, <Ago key="made" at={user.created_at} />],
  ];
  return (
    <header className="flex flex-col gap-3">
      <div className="flex min-w-0 items-center gap-3">
        <Avatar name={user.username} src={user.avatar_url} size={40} />
        <div className="min-w-0">
          <h1 className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1 font-semibold text-lg tracking-tight">
            <span className="truncate">{plain(user.username, 64)}</span>
            <span className="font-normal text-base">
              <UserStatus status={user.status} />
            </span>
            {user.is_service_account ? <Badge>Service account</Badge> : null}
          </h1>
          <p className="truncate text-muted">
            {[user.name, user.email]
              .filter(Boolean)
              .map((part) => plain(part, 128))
              .join(" · ")}
          </p>
        </div>
      </div>
      <dl className="flex flex-wrap items-center gap-x-6 gap-y-1 text-sm">
        {facts.map(([label, value]) => (
          <div key={label} className="flex gap-1.5">
            <dt className="text-muted">{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        <div className="flex min-w-0 items-center gap-1.5">
          <dt className="text-muted">{words.id}</dt>
          <dd className="flex min-w-0 items-center">
            <code className="truncate font-mono text-xs">{user.id}</code>
            <CopyButton text={user.id} label="Copy the ID" />
          </dd>
        </div>
      </dl>
    </header>
  );
}
