import { Search } from "lucide-react";
import { useDraft } from "@/hooks/draft";
import { readSearch, withTerm } from "@/lib/search";
import { statusText } from "@/lib/texts";
import { Field, Input, Select } from "@/ui/field";
import { words } from "./texts";

const states = ["running", "stopped", "starting", "stopping", "pending", "failed", "canceled", "deleting"];

interface Props {
  value: string;
  onChange: (text: string) => void;
  error: string | undefined;
}

/** Filter is the search of the API in the URL; the lists beside it only write its terms. */
export function Filter({ value, onChange, error }: Props) {
  const { draft, send, type } = useDraft(value, onChange);
  const choose = (key: string, term: string) => send(withTerm(draft, key, term));
  const { terms } = readSearch(draft);
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        send(draft);
      }}
      className="flex flex-wrap items-start gap-2 pb-3"
    >
      <div className="relative min-w-0 flex-1 basis-64 [&_label]:sr-only">
        <Search size={15} aria-hidden className="absolute top-2 left-2.5 text-muted max-sm:top-3" />
        <Field label={words.search} error={error}>
          <Input
            type="search"
            value={draft}
            maxLength={1000}
            onChange={(e) => type(e.target.value, 250)}
            placeholder={words.placeholder}
            spellCheck={false}
            autoCapitalize="none"
            className="pl-8"
          />
        </Field>
      </div>
      <Select
        aria-label={words.owners}
        value={terms.owner === "me" ? "me" : ""}
        onChange={(e) => choose("owner", e.target.value)}
      >
        <option value="me">{words.mine}</option>
        <option value="">{words.everyone}</option>
      </Select>
      <Select
        aria-label={words.state}
        value={states.includes(terms.status ?? "") ? terms.status : ""}
        onChange={(e) => choose("status", e.target.value)}
      >
        <option value="">{words.allStates}</option>
        {states.map((state) => (
          <option key={state} value={state}>
            {statusText[state]}
          </option>
        ))}
      </Select>
    </form>
  );
}
