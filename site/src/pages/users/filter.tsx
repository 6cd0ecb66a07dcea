import { useQuery } from "@tanstack/react-query";
import { useRef } from "react";
import { read } from "@/api/queries";
import { SearchBox } from "@/components/searchbox";
import { plain } from "@/lib/plain";
import { readSearch, withTerm } from "@/lib/search";
import { Select } from "@/ui/field";
import { words } from "./texts";

const states = [
  ["active", "Active"],
  ["dormant", "Dormant"],
  ["suspended", "Suspended"],
] as const;

/** dayBefore is the day that was so many days ago, as the API writes days. */
const dayBefore = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

const spans: readonly (readonly [key: "last_seen_after" | "last_seen_before", days: number])[] = [
  ["last_seen_after", 7],
  ["last_seen_before", 30],
  ["last_seen_before", 90],
];

interface Props {
  value: string;
  onChange: (text: string) => void;
  error: string | undefined;
}

/** Filter is the search of the API in the URL; the lists beside it only write its terms. */
export function Filter({ value, onChange, error }: Props) {
  const roles = useQuery(read("GET /api/v2/users/roles")).data ?? [];
  const { terms } = readSearch(value);
  // What was typed a moment ago is not in the URL yet, and must not be lost.
  const draft = useRef({ value, text: value });
  if (draft.current.value !== value) draft.current = { value, text: value };
  const typed = (text: string) => {
    draft.current.text = text;
  };
  const choose = (key: string, term: string) => onChange(withTerm(draft.current.text, key, term));
  const seen = spans.findIndex(([key, days]) => terms[key] === dayBefore(days));
  const chooseSeen = (at: string) => {
    const cleared = withTerm(withTerm(draft.current.text, "last_seen_after", ""), "last_seen_before", "");
    const span = spans[Number(at)];
    onChange(at && span ? withTerm(cleared, span[0], dayBefore(span[1])) : cleared);
  };
  return (
    <div className="flex flex-wrap items-start gap-2">
      <SearchBox
        label={words.search}
        placeholder={words.placeholder}
        value={value}
        onChange={onChange}
        error={error}
        typed={typed}
      />
      <Select
        aria-label={words.state}
        value={states.some(([key]) => key === terms.status) ? terms.status : ""}
        onChange={(e) => choose("status", e.target.value)}
      >
        <option value="">{words.allStates}</option>
        {states.map(([key, word]) => (
          <option key={key} value={key}>
            {word}
          </option>
        ))}
      </Select>
      <Select
        aria-label={words.role}
        value={roles.some((r) => r.name === terms.role) ? terms.role : ""}
        onChange={(e) => choose("role", e.target.value)}
      >
        <option value="">{words.allRoles}</option>
        {roles.map((r) => (
          <option key={r.name} value={r.name}>
            {plain(r.display_name || r.name, 64)}
          </option>
        ))}
      </Select>
      <Select aria-label={words.seen} value={seen < 0 ? "" : String(seen)} onChange={(e) => chooseSeen(e.target.value)}>
        <option value="">{words.anySeen}</option>
        {spans.map(([key, days], i) => (
          <option key={key + String(days)} value={String(i)}>
            {key === "last_seen_after" ? words.seenWithin(days) : words.notSeenFor(days)}
          </option>
        ))}
      </Select>
    </div>
  );
}
