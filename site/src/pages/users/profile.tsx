import { getRouteApi } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { ApiError, request } from "@/api/client";
import type { User } from "@/api/generated";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { noRight } from "@/components/may";
import { Card } from "@/ui/bits";
import { Button } from "@/ui/button";
import { Field, Input } from "@/ui/field";
import { words } from "./texts";

const route = getRouteApi("/in/deployment/deployment/users/$user");

export function Profile({ user, allowed }: { user: User; allowed: boolean | undefined }) {
  const navigate = route.useNavigate();
  const [form, setForm] = useState({ username: user.username, name: user.name, avatar_url: user.avatar_url });
  const save = useChange(
    () =>
      request("PUT /api/v2/users/{user}/profile", {
        path: { user: user.id },
        body: {
          username: form.username.trim(),
          name: form.name,
          avatar_url: form.avatar_url === user.avatar_url ? undefined : form.avatar_url.trim(),
        },
      }),
    {
      stale: ["GET /api/v2/users", "GET /api/v2/users/{user}"],
      done: words.saved,
      after: (now) => {
        if (now.username !== user.username) void navigate({ params: { user: now.username }, replace: true });
      },
    },
  );
  const error = save.error instanceof ApiError ? save.error : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!save.isPending && changed && allowed !== false) save.mutate();
  };
  const field = (name: keyof typeof form) => ({
    value: form[name],
    onChange: (e: { target: { value: string } }) => setForm({ ...form, [name]: e.target.value }),
    spellCheck: false,
    disabled: allowed === false,
    autoComplete: "off",
  });
  const changed = form.username !== user.username || form.name !== user.name || form.avatar_url !== user.avatar_url;
  return (
    <Card title={words.profile}>
      <form onSubmit={submit} className="flex max-w-xl flex-col gap-4 px-4 py-4">
        {save.isError && !["username", "name", "avatar_url"].some((f) => error?.field(f)) ? (
          <ApiErrorBox error={save.error} />
        ) : null}
        <Field label={words.username} error={error?.field("username")}>
          <Input {...field("username")} required maxLength={32} autoCapitalize="none" />
        </Field>
        <Field label={words.fullName} error={error?.field("name")}>
          <Input {...field("name")} maxLength={128} />
        </Field>
        {user.email ? (
          <Field label={words.email} hint={words.emailHint}>
            <Input value={user.email} readOnly disabled />
          </Field>
        ) : null}
        <Field label={words.avatar} hint={words.avatarHint} error={error?.field("avatar_url")}>
          <Input {...field("avatar_url")} maxLength={2048} inputMode="url" />
        </Field>
        <Button
          type="submit"
          className="self-start"
          busy={save.isPending}
          reason={noRight(allowed)}
          disabled={!changed}
        >
          {words.save}
        </Button>
      </form>
    </Card>
  );
}
