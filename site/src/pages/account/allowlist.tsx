import { X } from "lucide-react";
import { useId, useState } from "react";
import type { AllowListTarget } from "@/api/generated";
import { plain } from "@/lib/plain";
import { Button, IconButton } from "@/ui/button";
import { RadioCards } from "@/ui/choices";
import { Field, Input } from "@/ui/field";
import { words } from "./tokentexts";

interface Props {
  /** value is undefined for everything. */
  value: AllowListTarget[] | undefined;
  onChange: (value: AllowListTarget[] | undefined) => void;
  error?: string;
}

const form = /^([a-z0-9_]{1,64}|\*):([0-9a-fA-F-]{36}|\*)$/;

/** AllowList narrows a token to some things. */
export function AllowList({ value, onChange, error }: Props) {
  const label = useId();
  const [entry, setEntry] = useState("");
  const [bad, setBad] = useState(false);
  const add = () => {
    const parts = form.exec(entry.trim());
    setBad(!parts);
    if (!parts) return;
    const target = { type: parts[1]!, id: parts[2]! };
    const there = value?.some((a) => a.type === target.type && a.id === target.id);
    if (!there) onChange([...(value ?? []), target]);
    setEntry("");
  };
  return (
    <section className="flex flex-col gap-2">
      <h2 id={label} className="font-medium text-sm">
        {words.allowTitle}
      </h2>
      <RadioCards
        label={label}
        value={value ? "some" : "all"}
        onChange={(v) => onChange(v === "all" ? undefined : [])}
        choices={[
          { value: "all", title: words.allowAll },
          { value: "some", title: words.allowSome },
        ]}
      />
      {value ? (
        <>
          <div className="flex items-end gap-2 *:first:flex-1">
            <Field label={words.allowLabel} error={bad ? words.allowBad : error} hint={words.allowHint}>
              <Input
                value={entry}
                placeholder="workspace:*"
                maxLength={101}
                onChange={(e) => {
                  setEntry(e.target.value);
                  setBad(false);
                }}
                onKeyDown={(e) => {
                  if (e.key !== "Enter" || !entry) return;
                  e.preventDefault();
                  add();
                }}
                spellCheck={false}
                autoCapitalize="none"
                autoComplete="off"
                className="font-mono"
              />
            </Field>
          </div>
          <Button className="self-start" size="sm" onClick={add} disabled={!entry.trim()}>
            {words.allowAdd}
          </Button>
          {value.length > 0 ? (
            <ul className="flex flex-col divide-y divide-line rounded-md border border-line">
              {value.map((a) => (
                <li key={`${a.type}:${a.id}`} className="flex items-center gap-2 py-1 pr-1 pl-3">
                  <code className="min-w-0 flex-1 break-all font-mono text-sm">{plain(`${a.type}:${a.id}`, 110)}</code>
                  <IconButton
                    label={words.allowRemove(`${a.type}:${a.id}`)}
                    small
                    onClick={() => onChange(value.filter((other) => other !== a))}
                  >
                    <X size={14} />
                  </IconButton>
                </li>
              ))}
            </ul>
          ) : null}
        </>
      ) : null}
    </section>
  );
}
