import { Search } from "lucide-react";
import { useDraft } from "@/hooks/draft";
import { Field, Input } from "@/ui/field";

interface Props {
  label: string;
  value: string;
  onChange: (text: string) => void;
  placeholder?: string;
  error?: string;
  /** typed is told of every key at once, for lists that write terms into the same text. */
  typed?: (text: string) => void;
}

/** SearchBox writes what is typed into the URL, a moment after the last key. */
export function SearchBox({ label, value, onChange, placeholder, error, typed }: Props) {
  const { draft, send, type } = useDraft(value, onChange);
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        send(draft);
      }}
      className="relative min-w-0 flex-1 basis-64 [&_label]:sr-only"
    >
      <Search size={15} aria-hidden className="absolute top-2 left-2.5 text-muted max-sm:top-3" />
      <Field label={label} error={error}>
        <Input
          type="search"
          value={draft}
          maxLength={1000}
          onChange={(e) => {
            type(e.target.value, 250);
            typed?.(e.target.value);
          }}
          placeholder={placeholder}
          spellCheck={false}
          autoCapitalize="none"
          className="pl-8"
        />
      </Field>
    </form>
  );
}
