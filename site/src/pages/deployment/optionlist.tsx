import { getRouteApi } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { useDeferredValue, useMemo } from "react";
import type { DeploymentOption } from "@/api/generated";
import { cx } from "@/lib/cx";
import { plain } from "@/lib/plain";
import { Card, Empty } from "@/ui/bits";
import { Button } from "@/ui/button";
import { CopyButton } from "@/ui/codeblock";
import { Checkbox, Field, Input } from "@/ui/field";
import { Badge } from "@/ui/status";
import { inGroups, shownValue, wasSet } from "./options";
import { words } from "./texts";

const route = getRouteApi("/in/deployment/deployment/overview");

const idOf = (title: string) => `options-${title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;

/** OptionList are all options of the server with their values and where these came from. */
export function OptionList({ options }: { options: readonly DeploymentOption[] }) {
  const { search = "", set = false } = route.useSearch();
  const navigate = route.useNavigate();
  const wanted = useDeferredValue(search);
  const groups = useMemo(() => inGroups(options, wanted, set), [options, wanted, set]);
  const shown = groups.reduce((n, group) => n + group.options.length, 0);
  const change = (next: { search?: string; set?: boolean }) =>
    void navigate({
      search: { search: search || undefined, set: set || undefined, ...next },
      replace: true,
      resetScroll: false,
    });
  return (
    <section aria-label={words.options} className="flex flex-col gap-4">
      <div className="flex flex-wrap items-baseline gap-x-3 pt-2">
        <h2 className="font-semibold text-[0.9375rem]">{words.options}</h2>
        <p role="status" className="text-muted tabular-nums">
          {words.optionsCount(shown, options.length)}
        </p>
      </div>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div className="relative min-w-0 flex-1 basis-64 [&_label]:sr-only">
          <Search size={15} aria-hidden className="absolute top-2 left-2.5 text-muted max-sm:top-3" />
          <Field label={words.search}>
            <Input
              type="search"
              value={search}
              maxLength={200}
              onChange={(e) => change({ search: e.target.value || undefined })}
              placeholder={words.placeholder}
              spellCheck={false}
              autoCapitalize="none"
              className="pl-8"
            />
          </Field>
        </div>
        <Checkbox label={words.onlySet} checked={set} onChange={(on) => change({ set: on || undefined })} />
      </div>
      {groups.length === 0 ? (
        <Empty title={words.noMatch} text={words.noMatchText}>
          <Button className="self-center" onClick={() => change({ search: undefined, set: undefined })}>
            {words.clear}
          </Button>
        </Empty>
      ) : null}
      {groups.map((group) => (
        <Card key={group.title} title={group.title}>
          <ul id={idOf(group.title)}>
            {group.options.map((option) => (
              <Option key={option.name + option.flag + option.env} option={option} />
            ))}
          </ul>
        </Card>
      ))}
    </section>
  );
}

function Option({ option: o }: { option: DeploymentOption }) {
  const value = shownValue(o);
  const flag = o.flag ? `--${o.flag}` : "";
  return (
    <li className="grid gap-x-6 gap-y-2 border-line px-4 py-3 not-last:border-b sm:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
      <div className="min-w-0">
        <h3 className="font-medium">{plain(o.name, 100)}</h3>
        <p className="text-muted text-sm">{plain(o.description, 1000)}</p>
        <dl className="flex flex-wrap gap-x-3 gap-y-0.5 pt-1.5 text-xs">
          <Name label={words.flagName} text={flag} />
          <Name label={words.envName} text={o.env} />
          <Name label={words.yamlName} text={o.yaml} />
        </dl>
      </div>
      <div className="flex min-w-0 items-start gap-2 sm:justify-end">
        <div className="flex min-w-0 flex-1 flex-col gap-1 sm:items-end sm:text-right">
          {value.empty ? (
            <span className="text-muted">{value.text}</span>
          ) : (
            <code
              // A long text scrolls, which keyboards must reach.
              tabIndex={value.text.length > 200 ? 0 : undefined}
              className={cx(
                "wrap-anywhere max-h-40 whitespace-pre-line font-mono text-sm",
                value.text.length > 200 ? "overflow-y-auto text-left" : "",
              )}
            >
              {value.text}
            </code>
          )}
          <span className="flex flex-wrap items-center gap-2 text-muted text-xs sm:justify-end">
            {wasSet(o) && o.default && !o.secret ? words.defaultIs(plain(o.default, 60)) : null}
            {wasSet(o) || !value.empty ? (
              <Badge tone={wasSet(o) ? "busy" : "off"}>
                {words.source[o.value_source] ?? plain(o.value_source, 20)}
              </Badge>
            ) : null}
          </span>
        </div>
        <span className="-my-1">
          {value.empty ? (
            <span className="block w-7" />
          ) : (
            <CopyButton text={value.text} label={`Copy ${plain(o.name, 100)}`} />
          )}
        </span>
      </div>
    </li>
  );
}

/** Name is one of the names that an option has. */
function Name({ label, text }: { label: string; text: string }) {
  if (!text) return null;
  return (
    <div className="min-w-0">
      <dt className="sr-only">{label}</dt>
      <dd className="break-all font-mono text-faint">{plain(text, 120)}</dd>
    </div>
  );
}
