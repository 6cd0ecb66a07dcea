import { CircleHelp, Search } from "lucide-react";
import { useState } from "react";
import { useDraft } from "@/hooks/draft";
import { useNow } from "@/hooks/now";
import { cx } from "@/lib/cx";
import { utcDay } from "@/lib/day";
import { readSearch, withTerm } from "@/lib/search";
import { texts } from "@/lib/texts";
import { IconButton } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Field, Input, Select } from "@/ui/field";

/** A list beside the search that writes one of its terms. */
export interface Choice {
  key: string;
  label: string;
  all: string;
  values: readonly (readonly [value: string, label: string])[];
}

interface Props {
  label: string;
  placeholder: string;
  value: string;
  onChange: (text: string) => void;
  error: string | undefined;
  choices: readonly Choice[];
  /** since is the term that takes the first day. */
  since: string;
  /** terms are all words of the search, with what they narrow to. */
  terms: readonly (readonly [term: string, means: string])[];
}

const days = [
  [0, texts.today],
  [6, texts.sevenDays],
  [29, texts.thirtyDays],
] as const;

/** LogSearch is the search of a log in the URL; the lists and days only write its terms. */
export function LogSearch({ label, placeholder, value, onChange, error, choices, since, terms }: Props) {
  const { draft, send, type } = useDraft(value, onChange);
  const [help, setHelp] = useState(false);
  const now = useNow();
  // A term that is half typed is no search yet; Enter sends whatever there is.
  const typed = (text: string) => type(text, readSearch(text).words ? undefined : 500);
  const choose = (key: string, term: string) => send(withTerm(draft, key, term));
  const set = readSearch(draft).terms;
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        send(draft);
      }}
      className="flex flex-col gap-2"
    >
      <div className="flex items-start gap-1">
        <div className="relative min-w-0 flex-1 [&_label]:sr-only">
          <Search size={15} aria-hidden className="absolute top-2 left-2.5 text-muted max-sm:top-3" />
          <Field label={label} error={error}>
            <Input
              type="search"
              value={draft}
              maxLength={1000}
              onChange={(e) => typed(e.target.value)}
              placeholder={placeholder}
              spellCheck={false}
              autoCapitalize="none"
              className="pl-8"
            />
          </Field>
        </div>
        <IconButton label={texts.searchWords} className="max-sm:mt-1" onClick={() => setHelp(true)}>
          <CircleHelp size={16} aria-hidden />
        </IconButton>
      </div>
      <div className="flex flex-wrap items-center gap-2">
        {choices.map((choice) => (
          <Select
            key={choice.key}
            className="max-sm:min-w-0 max-sm:flex-1 max-sm:basis-36"
            aria-label={choice.label}
            value={choice.values.some(([v]) => v === set[choice.key]) ? set[choice.key] : ""}
            onChange={(e) => choose(choice.key, e.target.value)}
          >
            <option value="">{choice.all}</option>
            {choice.values.map(([v, text]) => (
              <option key={v} value={v}>
                {text}
              </option>
            ))}
          </Select>
        ))}
        <fieldset className="flex items-center rounded-md border border-line-strong bg-surface p-0.5">
          <legend className="sr-only">{texts.since}</legend>
          {days.map(([back, text]) => {
            const on = set[since] === utcDay(now, back);
            return (
              <button
                key={back}
                type="button"
                aria-pressed={on}
                onClick={() => choose(since, on ? "" : utcDay(now, back))}
                className={cx(
                  "h-6.5 rounded-sm px-2 text-sm transition-colors",
                  on ? "bg-accent-soft font-medium text-accent" : "text-muted hover:bg-hover hover:text-text",
                )}
              >
                {text}
              </button>
            );
          })}
        </fieldset>
      </div>
      <Dialog open={help} onOpenChange={setHelp} title={texts.searchWords} text={texts.searchWordsText}>
        <dl tabIndex={0} className="flex flex-col gap-3">
          {terms.map(([term, means]) => (
            <div key={term}>
              <dt className="break-words font-mono text-sm">{term}</dt>
              <dd className="text-muted">{means}</dd>
            </div>
          ))}
        </dl>
      </Dialog>
    </form>
  );
}
