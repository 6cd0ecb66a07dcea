import { type ReactNode, useId, useState } from "react";
import { cx } from "@/lib/cx";
import { Input } from "./field";

/** Choice is one of several things that can be chosen. */
export interface Choice {
  value: string;
  title: ReactNode;
  /** find is what the search of a long list looks at. */
  find?: string;
  text?: ReactNode;
  icon?: ReactNode;
}

interface Props {
  choices: readonly Choice[];
  disabled?: boolean;
  /** label is the id of what names the group; describedBy of what is said of it. */
  label: string;
  describedBy?: string;
  invalid?: boolean;
  /** search names the search of a long list. */
  search?: string;
}

/** More choices than so many get a search and a height. */
const many = 12;

/** RadioCards choose one. */
export function RadioCards({ value, onChange, ...rest }: Props & { value: string; onChange: (value: string) => void }) {
  const name = useId();
  return (
    <Frame {...rest} role="radiogroup">
      {(choice) => (
        <Card
          key={choice.value}
          choice={choice}
          disabled={rest.disabled}
          on={choice.value === value}
          input={
            <input
              type="radio"
              name={name}
              value={choice.value}
              checked={choice.value === value}
              disabled={rest.disabled}
              onChange={() => onChange(choice.value)}
              className="mt-0.5 size-4 shrink-0 accent-accent"
            />
          }
        />
      )}
    </Frame>
  );
}

/** CheckCards choose any number, in the order of the choices. */
export function CheckCards({
  value,
  onChange,
  ...rest
}: Props & { value: readonly string[]; onChange: (value: string[]) => void }) {
  const toggle = (which: string) =>
    onChange(rest.choices.map((c) => c.value).filter((v) => (v === which ? !value.includes(v) : value.includes(v))));
  return (
    <Frame {...rest} role="group">
      {(choice) => (
        <Card
          key={choice.value}
          choice={choice}
          disabled={rest.disabled}
          on={value.includes(choice.value)}
          input={
            <input
              type="checkbox"
              checked={value.includes(choice.value)}
              disabled={rest.disabled}
              onChange={() => toggle(choice.value)}
              className="mt-0.5 size-4 shrink-0 accent-accent"
            />
          }
        />
      )}
    </Frame>
  );
}

function Frame({
  choices,
  label,
  describedBy,
  invalid,
  search,
  role,
  children,
}: Props & { role: "radiogroup" | "group"; children: (choice: Choice) => ReactNode }) {
  const [sought, setSought] = useState("");
  const long = choices.length > many;
  const word = sought.trim().toLowerCase();
  const shown = word ? choices.filter((c) => (c.find ?? c.value).toLowerCase().includes(word)) : choices;
  return (
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: both roles take these
    <div role={role} aria-labelledby={label} aria-describedby={describedBy} aria-invalid={invalid || undefined}>
      {long ? (
        <Input
          type="search"
          aria-label={search}
          placeholder={search}
          value={sought}
          onChange={(e) => setSought(e.target.value)}
          className="mb-2"
        />
      ) : null}
      <div className={cx("grid gap-1.5 sm:grid-cols-2", long && "max-h-72 overflow-y-auto p-0.5")}>
        {shown.slice(0, 500).map(children)}
      </div>
    </div>
  );
}

function Card({
  choice,
  on,
  disabled,
  input,
}: {
  choice: Choice;
  on: boolean;
  disabled: boolean | undefined;
  input: ReactNode;
}) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the input is in it
    <label
      className={cx(
        "flex min-w-0 gap-2.5 rounded-md border px-3 py-2 transition-colors has-focus-visible:outline-2 has-focus-visible:outline-accent has-focus-visible:outline-offset-2",
        disabled ? "opacity-60" : "cursor-pointer",
        on ? "border-accent bg-accent-soft" : "border-line-strong bg-surface",
        !on && !disabled && "hover:bg-hover",
      )}
    >
      {input}
      <span className="min-w-0 flex-1">
        <span className="flex items-center gap-2 font-medium">
          {choice.icon}
          <span className="min-w-0 break-words">{choice.title}</span>
        </span>
        {choice.text ? <span className="block text-muted text-sm">{choice.text}</span> : null}
      </span>
    </label>
  );
}
