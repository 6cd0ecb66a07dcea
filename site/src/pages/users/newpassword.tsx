import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { request } from "@/api/client";
import { makePassword } from "@/lib/password";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/codeblock";
import { Field, Input } from "@/ui/field";
import { words } from "./texts";

interface Props {
  value: string;
  onChange: (password: string) => void;
  error: string | undefined;
}

/** NewPassword takes a password for somebody else, and has the server judge it as it is typed. */
export function NewPassword({ value, onChange, error }: Props) {
  const [asked, setAsked] = useState("");
  const [shown, setShown] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const verdict = useQuery({
    queryKey: ["password verdict", asked],
    queryFn: ({ signal }) => request("POST /api/v2/users/validate-password", { body: { password: asked }, signal }),
    enabled: asked !== "" && asked === value,
    gcTime: 0,
    retry: false,
  }).data;
  const fresh = asked === value ? verdict : undefined;
  const type = (text: string, wait: number) => {
    onChange(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setAsked(text), wait);
  };
  const hint = fresh?.valid ? words.passwordGood : words.passwordHint;
  return (
    <Field label={words.password} hint={hint} error={fresh && !fresh.valid ? fresh.details : fresh ? undefined : error}>
      <div className="flex flex-wrap items-center gap-1.5">
        <div className="min-w-0 flex-1 basis-48">
          <Input
            type={shown ? "text" : "password"}
            value={value}
            onChange={(e) => type(e.target.value, 300)}
            autoComplete="new-password"
            maxLength={1024}
            required
            spellCheck={false}
            className={shown ? "font-mono" : undefined}
          />
        </div>
        <Button look="quiet" onClick={() => setShown(!shown)}>
          {shown ? words.hide : words.show}
        </Button>
        <Button
          onClick={() => {
            setShown(true);
            type(makePassword(), 0);
          }}
        >
          {words.makeUp}
        </Button>
        {value && shown ? <CopyButton text={value} label={`Copy the ${words.password.toLowerCase()}`} /> : null}
      </div>
    </Field>
  );
}
