import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { ApiError, request } from "@/api/client";
import type { CreateTokenRequest } from "@/api/generated";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { useChange } from "@/components/change";
import { PageHead } from "@/components/pagehead";
import { lifetimes, nanoseconds } from "@/lib/lifetime";
import { texts } from "@/lib/texts";
import { Button } from "@/ui/button";
import { RadioCards } from "@/ui/choices";
import { Field, Input, Select } from "@/ui/field";
import { AllowList } from "./allowlist";
import { Scopes } from "./scopes";
import { words } from "./tokentexts";

type Reach = "all" | "application_connect" | "some";

interface Props {
  onClose: () => void;
  onMade: (secret: string) => void;
}

/** NewToken is the form of a token. */
export function NewToken({ onClose, onMade }: Props) {
  const config = useQuery(read("GET /api/v2/users/{user}/keys/tokens/tokenconfig", { path: { user: "me" } }));
  const most = config.data ? config.data.max_token_lifetime : undefined;
  const offered = lifetimes(most);
  const [name, setName] = useState("");
  const [days, setDays] = useState("7");
  const [own, setOwn] = useState("14");
  const [reach, setReach] = useState<Reach>("all");
  const [scopes, setScopes] = useState<string[]>([]);
  const [only, setOnly] = useState<{ type: string; id: string }[] | undefined>();
  const [tried, setTried] = useState(false);
  const label = useId();
  const make = useChange(
    (body: CreateTokenRequest) => request("POST /api/v2/users/{user}/keys/tokens", { path: { user: "me" }, body }),
    { stale: ["GET /api/v2/users/{user}/keys/tokens"], after: (out) => onMade(out.key) },
  );
  const error = make.error instanceof ApiError ? make.error : undefined;
  const known = ["token_name", "lifetime", "scopes", "allow_list"].some((f) => error?.field(f));
  const lives = days === "own" || !offered.some((o) => String(o.days) === days) ? "own" : days;
  const chosen = lives === "own" ? Number(own) : Number(days);
  const missing = (reach === "some" && scopes.length === 0) || only?.length === 0;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (missing || make.isPending) return;
    make.mutate({
      token_name: name.trim(),
      lifetime: nanoseconds(chosen, most),
      scopes: reach === "some" ? scopes : [reach],
      ...(only ? { allow_list: only } : {}),
    });
  };
  return (
    <form onSubmit={submit} className="flex max-w-xl flex-col gap-5">
      <PageHead title={words.makeTitle} text={words.makeText} />
      {make.error && !known ? <ApiErrorBox error={make.error} /> : null}
      {config.error ? <ApiErrorBox error={config.error} onRetry={() => void config.refetch()} /> : null}
      <Field label={words.name} error={error?.field("token_name")} hint={words.nameHint}>
        <Input
          value={name}
          onChange={(e) => setName(e.target.value)}
          required
          autoFocus
          maxLength={64}
          spellCheck={false}
          autoCapitalize="none"
          autoComplete="off"
        />
      </Field>
      <div className="flex flex-wrap items-start gap-3">
        <Field
          label={words.lifetime}
          error={error?.field("lifetime")}
          hint={most ? words.lifetimeHint(offered.at(-1)!.text) : undefined}
        >
          <Select className="w-52" value={lives} onChange={(e) => setDays(e.target.value)}>
            {offered.map((o) => (
              <option key={o.days} value={o.days}>
                {o.text}
              </option>
            ))}
            <option value="own">{words.other}</option>
          </Select>
        </Field>
        {lives === "own" ? (
          <Field label={words.days}>
            <Input
              type="number"
              min={0.01}
              step="any"
              required
              value={own}
              onChange={(e) => setOwn(e.target.value)}
              className="max-w-28"
            />
          </Field>
        ) : null}
      </div>
      <section className="flex flex-col gap-2">
        <h2 id={label} className="font-medium text-sm">
          {words.scopeTitle}
        </h2>
        <RadioCards
          label={label}
          value={reach}
          onChange={(v) => setReach(v as Reach)}
          choices={[
            { value: "all", title: words.scopeAll, text: words.scopeAllText },
            { value: "application_connect", title: words.scopeApps, text: words.scopeAppsText },
            { value: "some", title: words.scopeSome, text: words.scopeSomeText },
          ]}
        />
        {reach === "some" ? (
          <Scopes
            value={scopes}
            onChange={setScopes}
            error={error?.field("scopes") ?? (tried && scopes.length === 0 ? words.scopeNone : undefined)}
          />
        ) : null}
      </section>
      <AllowList
        value={only}
        onChange={setOnly}
        error={error?.field("allow_list") ?? (tried && only?.length === 0 ? words.allowNone : undefined)}
      />
      <div className="flex gap-2">
        <Button type="submit" look="primary" busy={make.isPending}>
          {words.submit}
        </Button>
        <Button onClick={onClose}>{texts.cancel}</Button>
      </div>
    </form>
  );
}
