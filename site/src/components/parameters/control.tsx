import type { PreviewParameter, PreviewParameterOption } from "@/api/generated";
import { Prose } from "@/components/prose";
import { readList, writeList } from "@/lib/list";
import { plain } from "@/lib/plain";
import { Avatar } from "@/ui/bits";
import { CheckCards, type Choice, RadioCards } from "@/ui/choices";
import { Input, Select } from "@/ui/field";
import { SecretInput, SecretTextarea } from "@/ui/secretinput";
import { Slider } from "@/ui/slider";
import { Switch } from "@/ui/switch";
import { Tags } from "@/ui/tags";
import { Textarea } from "@/ui/textarea";
import { bounds } from "./rules";
import { words } from "./texts";

interface Props {
  id: string;
  label: string;
  describedBy: string | undefined;
  invalid: boolean;
  disabled: boolean;
  parameter: PreviewParameter;
  title: string;
  value: string;
  onChange: (value: string) => void;
}

/** The longest value that the API takes, in characters at most. */
const longest = 65_536;

/** grouped says that a parameter is shown as several controls, which a label cannot be for. */
export function grouped(p: PreviewParameter): boolean {
  return p.form_type === "radio" || p.form_type === "multi-select";
}

function choicesOf(options: PreviewParameterOption[] | null): Choice[] {
  return (options ?? [])
    .filter((o) => o.value.valid)
    .map((o) => {
      const name = plain(o.name || o.value.value, 200);
      return {
        value: o.value.value,
        title: name,
        find: `${o.name} ${o.description} ${o.value.value}`,
        text: o.description ? <Prose text={o.description} /> : undefined,
        icon: o.icon ? <Avatar name={name} src={o.icon} square size={18} /> : undefined,
      };
    });
}

/** Control is what a parameter is answered with, as its form type says. */
export function Control(props: Props) {
  const { parameter: p, value, onChange, id, describedBy, invalid, disabled } = props;
  const group = { label: props.label, describedBy, invalid, disabled, search: words.search };
  const one = {
    id,
    disabled,
    "aria-describedby": describedBy,
    "aria-invalid": invalid || undefined,
    maxLength: longest,
    placeholder: p.styling.placeholder ? plain(p.styling.placeholder, 200) : undefined,
  };
  switch (p.form_type) {
    case "radio":
      return <RadioCards {...group} choices={choicesOf(p.options)} value={value} onChange={onChange} />;
    case "multi-select":
      return (
        <CheckCards
          {...group}
          choices={choicesOf(p.options)}
          value={readList(value)}
          onChange={(list) => onChange(writeList(list))}
        />
      );
    case "tag-select":
      return (
        <Tags
          id={id}
          value={readList(value)}
          onChange={(list) => onChange(writeList(list))}
          disabled={disabled}
          describedBy={describedBy}
          invalid={invalid}
          placeholder={one.placeholder ?? words.tags}
          show={(tag) => plain(tag, 100)}
          remove={words.remove}
        />
      );
    case "dropdown":
      return <Dropdown {...props} />;
    case "switch":
    case "checkbox":
      return <YesNo {...props} />;
    case "slider": {
      const limits = bounds(p);
      if (!limits) break;
      return (
        <Slider
          id={id}
          value={value}
          onChange={onChange}
          disabled={disabled}
          describedBy={describedBy}
          invalid={invalid}
          number={words.number(props.title)}
          {...limits}
        />
      );
    }
    case "textarea":
      return p.styling.mask_input ? (
        <SecretTextarea {...one} words={words} value={value} onChange={(e) => onChange(e.target.value)} />
      ) : (
        <Textarea {...one} value={value} onChange={(e) => onChange(e.target.value)} />
      );
    case "error":
      return null; // what is wrong stands below it
  }
  const typed = {
    ...one,
    value,
    inputMode: p.type === "number" ? ("decimal" as const) : undefined,
    onChange: (e: { target: { value: string } }) => onChange(e.target.value),
  };
  return p.styling.mask_input ? (
    <SecretInput {...typed} words={words} />
  ) : (
    <Input {...typed} autoComplete="off" spellCheck={false} />
  );
}

function Dropdown({ parameter: p, value, onChange, id, describedBy, invalid, disabled }: Props) {
  const options = (p.options ?? []).filter((o) => o.value.valid);
  const chosen = options.find((o) => o.value.value === value);
  return (
    <span className="flex flex-col gap-1">
      <Select
        id={id}
        value={chosen ? value : ""}
        disabled={disabled}
        aria-describedby={describedBy}
        aria-invalid={invalid || undefined}
        onChange={(e) => onChange(e.target.value)}
        className="w-full"
      >
        {chosen ? null : (
          <option value="" disabled>
            {words.choose}
          </option>
        )}
        {options.map((o) => (
          <option key={o.value.value} value={o.value.value}>
            {plain(o.name || o.value.value, 200)}
          </option>
        ))}
      </Select>
      {chosen?.description ? (
        <span className="text-muted text-xs">
          <Prose text={chosen.description} />
        </span>
      ) : null}
    </span>
  );
}

function YesNo({ parameter: p, value, onChange, id, describedBy, disabled, title }: Props) {
  const on = value === "true";
  const said = plain(p.styling.label || title, 200);
  return (
    <span className="flex items-center gap-2.5">
      {p.form_type === "switch" ? (
        <Switch
          id={id}
          checked={on}
          onChange={(next) => onChange(String(next))}
          disabled={disabled}
          describedBy={describedBy}
        />
      ) : (
        <input
          id={id}
          type="checkbox"
          checked={on}
          disabled={disabled}
          aria-describedby={describedBy}
          onChange={(e) => onChange(String(e.target.checked))}
          className="size-4 shrink-0 accent-accent"
        />
      )}
      <label htmlFor={id} className={p.styling.label ? undefined : "font-medium text-sm"}>
        {said}
      </label>
    </span>
  );
}
