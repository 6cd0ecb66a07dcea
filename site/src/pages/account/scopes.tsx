import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { plain } from "@/lib/plain";
import { Skeleton } from "@/ui/bits";
import { Checkbox, Field, Input } from "@/ui/field";
import { bundleText, words } from "./tokentexts";

interface Props {
  value: string[];
  onChange: (value: string[]) => void;
  error?: string;
}

/** Scopes chooses from what the server knows: bundles first, then single permissions by type. */
export function Scopes({ value, onChange, error }: Props) {
  const known = useQuery({ ...read("GET /api/v2/auth/scopes"), staleTime: 600_000 });
  const [sought, setSought] = useState("");
  const word = sought.trim().toLowerCase();
  const all = (known.data?.external ?? []).filter(
    (s) => s !== "all" && s !== "application_connect" && s !== "coder:all",
  );
  const found = all.filter((s) => s.includes(word) || (bundleText[s] ?? "").toLowerCase().includes(word));
  const bundles = found.filter((s) => s.startsWith("coder:") && bundleText[s]);
  const single = found.filter((s) => !s.startsWith("coder:"));
  const toggle = (scope: string, on: boolean) =>
    onChange(on ? [...value, scope] : value.filter((other) => other !== scope));
  const list = (title: string, scopes: string[]) =>
    scopes.length === 0 ? null : (
      <div className="flex flex-col gap-2">
        <h3 className="text-muted text-xs">{title}</h3>
        {scopes.map((s) => (
          <div key={s}>
            <Checkbox label={plain(s, 64)} checked={value.includes(s)} onChange={(on) => toggle(s, on)} />
            {bundleText[s] ? <p className="pl-6 text-muted text-sm">{bundleText[s]}</p> : null}
          </div>
        ))}
      </div>
    );
  if (known.error)
    return <ApiErrorBox error={known.error} title={words.scopesFailed} onRetry={() => void known.refetch()} />;
  if (!known.data) return <Skeleton className="h-64" />;
  return (
    <div className="flex flex-col gap-2">
      <Field
        label={words.scopeSearch}
        error={error}
        hint={value.length > 0 ? words.scopeChosen(value.length) : undefined}
      >
        <Input type="search" value={sought} onChange={(e) => setSought(e.target.value)} maxLength={64} />
      </Field>
      <div
        role="group"
        aria-label={words.scopeTitle}
        tabIndex={0}
        className="flex max-h-72 flex-col gap-4 overflow-y-auto rounded-md border border-line px-3 py-3"
      >
        {list(words.bundles, bundles)}
        {list(words.single, single)}
        {found.length === 0 ? <p className="text-muted">{words.scopeNothing}</p> : null}
      </div>
    </div>
  );
}
