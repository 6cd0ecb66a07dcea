import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { ApiError, request } from "@/api/client";
import { firstUser } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { FrontDoor } from "@/components/frontdoor";
import { tellTabs } from "@/components/session";
import { Button } from "@/ui/button";
import { Field, Input } from "@/ui/field";
import { words } from "./texts";

export default function SetupPage() {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [form, setForm] = useState({ username: "", email: "", password: "" });
  const make = useMutation({
    mutationFn: async () => {
      await request("POST /api/v2/users/first", {
        body: { ...form, email: form.email.trim(), username: form.username.trim() },
      });
      await request("POST /api/v2/users/login", { body: { email: form.email.trim(), password: form.password } });
    },
    onSuccess: () => {
      client.clear();
      client.setQueryData(firstUser().queryKey, true);
      tellTabs();
      void navigate({ to: "/workspaces" });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!make.isPending) make.mutate();
  };
  const error = make.error instanceof ApiError ? make.error : undefined;
  const inFields = ["username", "email", "password"].some((name) => error?.field(name));
  const field = (name: keyof typeof form) => ({
    name,
    required: true,
    value: form[name],
    onChange: (e: { target: { value: string } }) => setForm({ ...form, [name]: e.target.value }),
  });
  return (
    <FrontDoor title={words.title} text={words.text}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        {make.isError && !inFields ? <ApiErrorBox error={make.error} title={words.failed} /> : null}
        <Field label={words.username} hint={words.usernameHint} error={error?.field("username")}>
          <Input
            {...field("username")}
            autoComplete="username"
            autoFocus
            maxLength={32}
            spellCheck={false}
            autoCapitalize="none"
          />
        </Field>
        <Field label={words.email} error={error?.field("email")}>
          <Input {...field("email")} type="email" autoComplete="email" maxLength={254} />
        </Field>
        <Field label={words.password} hint={words.passwordHint} error={error?.field("password")}>
          <Input {...field("password")} type="password" autoComplete="new-password" maxLength={1024} />
        </Field>
        <Button type="submit" look="primary" busy={make.isPending} className="max-sm:h-10">
          {words.submit}
        </Button>
      </form>
    </FrontDoor>
  );
}
