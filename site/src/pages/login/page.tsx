import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useRouter } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { basePath } from "@/api/base";
import { request } from "@/api/client";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { FrontDoor } from "@/components/frontdoor";
import { tellTabs } from "@/components/session";
import { backTo, leavesPages } from "@/lib/back";
import { safeLink } from "@/lib/link";
import { Button } from "@/ui/button";
import { Field, Input } from "@/ui/field";
import { words } from "./texts";

const route = getRouteApi("/login");

export default function LoginPage() {
  const { redirect } = route.useSearch();
  const client = useQueryClient();
  const router = useRouter();
  const methods = useQuery(read("GET /api/v2/users/authmethods"));
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const login = useMutation({
    mutationFn: () => request("POST /api/v2/users/login", { body: { email: email.trim(), password } }),
    onSuccess: () => {
      client.clear();
      tellTabs();
      const back = backTo(redirect, window.location.origin);
      // What the server serves itself, as the way to an application, is no page of ours.
      const to = back.startsWith(`${basePath}/`) && basePath ? back : basePath + back;
      if (leavesPages(back)) window.location.assign(to);
      else router.history.push(to);
    },
    onError: () => setPassword(""),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!login.isPending) login.mutate();
  };
  const terms = safeLink(methods.data?.terms_of_service_url);
  return (
    <FrontDoor title={words.title} text={redirect ? words.expired : window.location.host}>
      {methods.isError ? <ApiErrorBox error={methods.error} onRetry={() => void methods.refetch()} /> : null}
      {methods.data && !methods.data.password.enabled ? (
        <p className="text-muted">{words.noPassword}</p>
      ) : (
        <form onSubmit={submit} className="flex flex-col gap-4">
          {login.isError ? <ApiErrorBox error={login.error} title={words.failed} /> : null}
          <Field label={words.email}>
            <Input
              type="email"
              name="email"
              autoComplete="username"
              required
              autoFocus
              maxLength={254}
              value={email}
              onChange={(e) => setEmail(e.target.value)}
            />
          </Field>
          <Field label={words.password}>
            <Input
              type="password"
              name="password"
              autoComplete="current-password"
              required
              maxLength={1024}
              value={password}
              onChange={(e) => setPassword(e.target.value)}
            />
          </Field>
          <Button type="submit" look="primary" busy={login.isPending} className="max-sm:h-10">
            {words.submit}
          </Button>
        </form>
      )}
      {terms ? (
        <a href={terms} target="_blank" rel="noreferrer" className="self-start text-muted underline">
          {words.terms}
        </a>
      ) : null}
    </FrontDoor>
  );
}
