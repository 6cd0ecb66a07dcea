import { useMutation, useSuspenseQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { ApiError, request } from "@/api/client";
import { me } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { Button } from "@/ui/button";
import { Field, Input } from "@/ui/field";
import { words } from "./texts";

/** Password changes one's own; the server says what it thinks of the new one as it is typed. */
export function Password() {
  const user = useSuspenseQuery(me()).data;
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState("");
  const [again, setAgain] = useState("");
  const [differs, setDiffers] = useState(false);
  const opinion = useOpinion(fresh);
  const change = useChange(
    () =>
      request("PUT /api/v2/users/{user}/password", {
        path: { user: "me" },
        body: { old_password: old, password: fresh },
      }),
    {
      stale: ["GET /api/v2/users/{user}/keys", "GET /api/v2/users/{user}/keys/tokens"],
      done: words.passwordDone,
      after: () => {
        setOld("");
        setFresh("");
        setAgain("");
      },
    },
  );
  const error = change.error instanceof ApiError ? change.error : undefined;
  const known = error?.field("old_password") || error?.field("password");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setDiffers(fresh !== again);
    if (fresh === again && !change.isPending) change.mutate();
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4 px-4 py-4">
      {change.error && !known ? <ApiErrorBox error={change.error} /> : null}
      {/* Password managers file the new one under this name. */}
      <input type="text" name="username" autoComplete="username" value={user.email} readOnly hidden />
      <Field label={words.oldPassword} error={error?.field("old_password")}>
        <Input
          type="password"
          autoComplete="current-password"
          required
          maxLength={1024}
          value={old}
          onChange={(e) => setOld(e.target.value)}
        />
      </Field>
      <Field
        label={words.newPassword}
        error={opinion?.details || (opinion ? undefined : error?.field("password"))}
        hint={opinion?.valid ? words.passwordGood : undefined}
      >
        <Input
          type="password"
          autoComplete="new-password"
          required
          maxLength={1024}
          value={fresh}
          onChange={(e) => setFresh(e.target.value)}
        />
      </Field>
      <Field label={words.again} error={differs && fresh !== again ? words.passwordDiffers : undefined}>
        <Input
          type="password"
          autoComplete="new-password"
          required
          maxLength={1024}
          value={again}
          onChange={(e) => setAgain(e.target.value)}
        />
      </Field>
      <div className="flex flex-col items-start gap-2">
        <Button type="submit" look="primary" busy={change.isPending} disabled={!old || !fresh || !again}>
          {words.passwordAct}
        </Button>
        <p className="text-muted text-sm">{words.passwordText}</p>
      </div>
    </form>
  );
}

/** useOpinion is what the server says of a password, a moment after it was typed; nothing for none. */
function useOpinion(password: string) {
  const { mutate, data, reset } = useMutation({
    mutationFn: async (text: string) => ({
      text,
      ...(await request("POST /api/v2/users/validate-password", { body: { password: text } })),
    }),
  });
  useEffect(() => {
    if (!password) return reset();
    const timer = setTimeout(mutate, 250, password);
    return () => clearTimeout(timer);
  }, [password, mutate, reset]);
  return data && data.text === password ? data : undefined;
}
