import { useQueries, useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { ApiError, request } from "@/api/client";
import type { Organization, User } from "@/api/generated";
import { me, read } from "@/api/queries";
import { Ago } from "@/components/ago";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { PageHead } from "@/components/pagehead";
import { plain } from "@/lib/plain";
import { Card, Skeleton } from "@/ui/bits";
import { Button } from "@/ui/button";
import { Field, Input } from "@/ui/field";
import { Badge } from "@/ui/status";
import { Meter } from "./meter";
import { loginTypeText, words } from "./texts";

export default function AccountPage() {
  const user = useSuspenseQuery(me()).data;
  return (
    <>
      <PageHead title={words.account} text={words.accountText} />
      <Profile key={user.updated_at} user={user} />
      <About user={user} />
    </>
  );
}

function Profile({ user }: { user: User }) {
  const [username, setUsername] = useState(user.username);
  const [name, setName] = useState(user.name);
  const save = useChange(
    () =>
      request("PUT /api/v2/users/{user}/profile", {
        path: { user: user.id },
        body: { username: username.trim(), name: name.trim() },
      }),
    { stale: ["GET /api/v2/users/{user}", "GET /api/v2/workspaces"], done: words.saved },
  );
  const error = save.error instanceof ApiError ? save.error : undefined;
  const known = error?.field("username") || error?.field("name");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!save.isPending) save.mutate();
  };
  return (
    <Card title={words.profile} className="max-w-xl">
      <form onSubmit={submit} className="flex flex-col gap-4 px-4 py-4">
        {save.error && !known ? <ApiErrorBox error={save.error} /> : null}
        <Field label={words.username} error={error?.field("username")} hint={words.usernameHint}>
          <Input
            value={username}
            onChange={(e) => setUsername(e.target.value)}
            required
            maxLength={64}
            spellCheck={false}
            autoCapitalize="none"
            autoComplete="username"
          />
        </Field>
        <Field label={words.fullName} error={error?.field("name")} hint={words.fullNameHint}>
          <Input value={name} onChange={(e) => setName(e.target.value)} maxLength={128} autoComplete="name" />
        </Field>
        <Button
          type="submit"
          look="primary"
          className="self-start"
          busy={save.isPending}
          disabled={username.trim() === user.username && name.trim() === user.name}
        >
          {words.save}
        </Button>
      </form>
    </Card>
  );
}

function About({ user }: { user: User }) {
  const all = useQuery(read("GET /api/v2/users/{user}/organizations", { path: { user: "me" } }));
  const organizations = all.data ?? [];
  const roles = user.roles ?? [];
  return (
    <Card title={words.facts} className="max-w-xl">
      <dl className="grid grid-cols-[7rem_minmax(0,1fr)] sm:grid-cols-[10rem_minmax(0,1fr)] gap-x-4 gap-y-3 px-4 py-4">
        <Fact name={words.email}>
          {plain(user.email, 254)} <span className="block text-muted text-xs">{words.emailHint}</span>
        </Fact>
        <Fact name={words.loginType}>{loginTypeText[user.login_type] ?? user.login_type}</Fact>
        <Fact name={words.roles}>
          <span className="flex flex-wrap gap-1">
            {roles.length === 0 ? <Badge>{words.memberOnly}</Badge> : null}
            {roles.map((r) => (
              <Badge key={r.name}>{plain(r.display_name || r.name, 64)}</Badge>
            ))}
          </span>
        </Fact>
        <Fact name={words.organizations}>
          {all.error ? <ApiErrorBox error={all.error} onRetry={() => void all.refetch()} /> : null}
          {all.isPending ? <Skeleton className="h-5 w-32" /> : null}
          {organizations.map((o) => plain(o.display_name || o.name, 64)).join(", ")}
          {all.data && organizations.length === 0 ? "–" : null}
        </Fact>
        <Fact name={words.since}>
          <Ago at={user.created_at} />
        </Fact>
        <Fact name={words.quota}>
          <Quotas organizations={organizations} />
        </Fact>
      </dl>
    </Card>
  );
}

function Quotas({ organizations }: { organizations: Organization[] }) {
  const quotas = useQueries({
    queries: organizations.slice(0, 50).map((o) =>
      read("GET /api/v2/organizations/{organization}/members/{user}/workspace-quota", {
        path: { organization: o.id, user: "me" },
      }),
    ),
  });
  const failed = quotas.find((q) => q.error);
  if (failed)
    return <ApiErrorBox error={failed.error} title={words.quotaFailed} onRetry={() => void failed.refetch()} />;
  return (
    <div className="flex flex-col gap-3">
      {quotas.map((q, i) => {
        const o = organizations[i]!;
        if (!q.data) return <Skeleton key={o.id} className="h-5 w-40" />;
        const { credits_consumed: used, budget } = q.data;
        return (
          <div key={o.id} className="flex flex-col gap-1">
            <span>
              {organizations.length > 1 ? (
                <span className="text-muted">{plain(o.display_name || o.name, 64)}: </span>
              ) : null}
              {budget < 0 ? words.noLimit(used) : words.quotaOf(used, budget)}
            </span>
            {budget < 0 ? null : <Meter label={words.quota} value={used} most={budget} />}
          </div>
        );
      })}
    </div>
  );
}

const Fact = ({ name, children }: { name: string; children: ReactNode }) => (
  <>
    <dt className="text-muted">{name}</dt>
    <dd className="min-w-0 break-words">{children}</dd>
  </>
);
