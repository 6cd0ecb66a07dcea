import { Plus, X } from "lucide-react";
import { useId } from "react";
import { Button, IconButton } from "./button";
import { Input } from "./field";

export type Pair = readonly [name: string, value: string];

interface Props {
  label: string;
  pairs: readonly Pair[];
  onChange: (pairs: readonly Pair[]) => void;
  /** add is the word on the button for one more. */
  add: string;
  /** secret hides the values. */
  secret?: boolean;
}

/** Pairs are names with values, as many as one likes. */
export function Pairs({ label, pairs, onChange, add, secret }: Props) {
  const id = useId();
  const set = (i: number, pair: Pair) => onChange(pairs.map((p, n) => (n === i ? pair : p)));
  return (
    <fieldset className="flex min-w-0 flex-col gap-2">
      <legend className="mb-1.5 font-medium text-sm">{label}</legend>
      {pairs.map(([name, value], i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place
        <div key={`${id}-${i}`} className="flex min-w-0 gap-2">
          <Input
            aria-label={`${label}: name ${i + 1}`}
            placeholder="name"
            value={name}
            maxLength={256}
            spellCheck={false}
            autoComplete="off"
            onChange={(e) => set(i, [e.target.value, value])}
          />
          <Input
            aria-label={`${label}: value ${i + 1}`}
            placeholder="value"
            type={secret ? "password" : "text"}
            value={value}
            spellCheck={false}
            autoComplete="off"
            onChange={(e) => set(i, [name, e.target.value])}
          />
          <IconButton
            silent
            label={`Remove ${name || i + 1}`}
            onClick={() => onChange(pairs.filter((_, n) => n !== i))}
          >
            <X size={15} />
          </IconButton>
        </div>
      ))}
      <Button size="sm" className="self-start" icon={<Plus size={14} />} onClick={() => onChange([...pairs, ["", ""]])}>
        {add}
      </Button>
    </fieldset>
  );
}

/** asRecord is what the pairs say; those without a name say nothing. */
export function asRecord(pairs: readonly Pair[]): Record<string, string> {
  return Object.fromEntries(pairs.map(([n, v]) => [n.trim(), v] as const).filter(([n]) => n !== ""));
}
