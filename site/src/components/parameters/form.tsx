import { memo, useId } from "react";
import type { DynamicParametersResponse, PreviewParameter } from "@/api/generated";
import { Prose } from "@/components/prose";
import { plain } from "@/lib/plain";
import { Avatar } from "@/ui/bits";
import { ErrorBox } from "@/ui/errorbox";
import { Badge } from "@/ui/status";
import { Control, grouped } from "./control";
import { against, direction, errorOf, fixedBecause, isMissing, shownValue, type Values } from "./rules";
import { words } from "./texts";

interface Props {
  answer: DynamicParametersResponse;
  /** said are the values that the person, a link or a preset has given. */
  said: Values;
  onSay: (name: string, value: string) => void;
  /** before are the values of the last build; a new workspace has none. */
  before?: Values;
  /** all shows also that something is missing: after a try to send the form. */
  all: boolean;
  /** refused are the words of the server against single parameters. */
  refused?: Record<string, string>;
}

/** ParameterForm asks for the parameters that the server says there are. */
export function ParameterForm({ answer, said, onSay, before, all, refused }: Props) {
  const list = answer.parameters ?? [];
  const general = answer.diagnostics ?? [];
  return (
    <div className="flex flex-col gap-5">
      {general
        .filter((d) => d.severity === "error")
        .map((d) => (
          <ErrorBox
            key={d.summary + d.detail}
            title={plain(d.summary, 300) || words.refused}
            message={plain(d.detail, 2000)}
          />
        ))}
      {general
        .filter((d) => d.severity !== "error")
        .map((d) => (
          <p key={d.summary + d.detail} className="rounded-md bg-warn-soft px-3 py-2 text-sm text-warn">
            {plain(`${d.summary} ${d.detail}`, 1000)}
          </p>
        ))}
      {list.length === 0 && general.length === 0 ? <p className="text-muted">{words.none}</p> : null}
      {list.map((p) => (
        <Parameter
          key={p.name}
          parameter={p}
          value={shownValue(p, said)}
          touched={said[p.name] !== undefined}
          before={before}
          all={all}
          refused={refused?.[p.name]}
          onSay={onSay}
        />
      ))}
    </div>
  );
}

interface OneProps {
  parameter: PreviewParameter;
  value: string;
  touched: boolean;
  before: Values | undefined;
  all: boolean;
  refused: string | undefined;
  onSay: (name: string, value: string) => void;
}

const Parameter = memo(function Parameter({ parameter: p, value, touched, before, all, refused, onSay }: OneProps) {
  const id = useId();
  const title = plain(p.display_name || p.name, 120);
  const fixed = fixedBecause(p, before);
  const quiet = isMissing(p) && !all && !touched;
  const error = refused ?? (quiet ? undefined : errorOf(p)) ?? against(p, value, before);
  const warnings = (p.diagnostics ?? []).filter((d) => d.severity !== "error");
  const going = direction(p, before);
  const hints = [
    fixed,
    going ? (going.way === "increasing" ? words.grows(going.from) : words.shrinks(going.from)) : undefined,
    ...warnings.map((d) => plain(d.detail || d.summary, 500)),
  ].filter((x): x is string => Boolean(x));
  const noted = Boolean(error || hints.length > 0);
  const note = `${id}-note`;
  const about = `${id}-about`;
  const described = [p.description ? about : "", noted ? note : ""].filter(Boolean).join(" ");
  const label = `${id}-label`;
  const control = (
    <Control
      id={id}
      label={label}
      describedBy={described || undefined}
      invalid={Boolean(error)}
      disabled={Boolean(fixed)}
      parameter={p}
      title={title}
      value={value}
      onChange={(next) => onSay(p.name, next)}
    />
  );
  const inline = (p.form_type === "switch" || p.form_type === "checkbox") && !p.styling.label;
  const name = (
    <>
      {p.icon ? <Avatar name={title} src={p.icon} square size={18} /> : null}
      <span className="min-w-0 break-words">{title}</span>
    </>
  );
  return (
    <div data-parameter={p.name} className="flex min-w-0 flex-col gap-1.5">
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1 text-sm">
        {inline ? (
          control
        ) : grouped(p) || p.form_type === "error" ? (
          <span id={label} className="flex min-w-0 items-center gap-2 font-medium">
            {name}
          </span>
        ) : (
          <label id={label} htmlFor={id} className="flex min-w-0 items-center gap-2 font-medium">
            {name}
          </label>
        )}
        <Marks parameter={p} before={before} />
      </div>
      {p.description ? (
        <p id={about} className="text-muted text-sm">
          <Prose text={p.description} />
        </p>
      ) : null}
      {inline ? null : control}
      {noted ? (
        <div id={note} className="text-xs">
          {error ? (
            <p role="alert" className="break-words text-bad first-letter:uppercase">
              {error}
            </p>
          ) : (
            hints.map((hint) => (
              <p key={hint} className="break-words text-muted first-letter:uppercase">
                {hint}
              </p>
            ))
          )}
        </div>
      ) : null}
    </div>
  );
});

function Marks({ parameter: p, before }: { parameter: PreviewParameter; before: Values | undefined }) {
  const isNew = before && before[p.name] === undefined && !p.ephemeral;
  return (
    <span className="flex flex-wrap gap-1">
      {isNew ? <Badge tone="busy">{words.isNew}</Badge> : null}
      {p.required ? <Badge>{words.required}</Badge> : null}
      {p.ephemeral ? <Badge>{words.once}</Badge> : null}
      {!p.mutable && !p.ephemeral && (!before || isNew) ? <Badge>{words.fixed}</Badge> : null}
    </span>
  );
}
