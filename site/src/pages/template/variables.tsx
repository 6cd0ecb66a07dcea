import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { request } from "@/api/client";
import type { Template, TemplateVersion, TemplateVersionVariable } from "@/api/generated";
import { read } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { noRight } from "@/components/may";
import { VersionLog } from "@/components/versionlog";
import { plain } from "@/lib/plain";
import { Card, Empty, Skeleton } from "@/ui/bits";
import { Button, buttonClass } from "@/ui/button";
import { ErrorBox } from "@/ui/errorbox";
import { Field, Input, Select } from "@/ui/field";
import { Textarea } from "@/ui/textarea";
import { useChanged, usePlace, usePromote, useRights, useTemplate, useVersion, working } from "./data";
import { SettingsFrame } from "./settingsframe";
import { words } from "./texts";

const route = getRouteApi("/in/templates/$organization/$template/settings/variables");

/** TemplateVariables changes values that only template administrators set, by a new version of the same files. */
export default function TemplateVariables() {
  const template = useTemplate();
  const { version: made } = route.useSearch();
  const { data: active, error, refetch } = useVersion(template);
  return (
    <SettingsFrame template={template}>
      {error ? <ApiErrorBox error={error} title={words.partFailed} onRetry={() => void refetch()} /> : null}
      {made ? <Made key={made} template={template} name={made} /> : null}
      {!active && !error ? <Skeleton className="h-40" /> : null}
      {active ? <Values key={active.id} template={template} version={active} /> : null}
    </SettingsFrame>
  );
}

function Values({ template, version }: { template: Template; version: TemplateVersion }) {
  const path = { templateversion: version.id };
  const { data, error, refetch } = useQuery(read("GET /api/v2/templateversions/{templateversion}/variables", { path }));
  if (error) return <ApiErrorBox error={error} title={words.partFailed} onRetry={() => void refetch()} />;
  if (!data) return <Skeleton className="h-40" />;
  if (data.length === 0) return <Empty title={words.variablesEmptyTitle} text={words.variablesEmptyText} />;
  return <Form template={template} version={version} variables={data} />;
}

/** Tags that a job has anyway are not asked for again. */
const asked = (tags: Record<string, string>) =>
  Object.fromEntries(Object.entries(tags).filter(([key, value]) => value && key !== "scope" && key !== "owner"));

interface FormProps {
  template: Template;
  version: TemplateVersion;
  variables: TemplateVersionVariable[];
}

function Form({ template, version, variables }: FormProps) {
  const navigate = route.useNavigate();
  const refresh = useChanged();
  const can = useRights(template);
  const [draft, setDraft] = useState<Record<string, string>>({});
  const changed = variables.flatMap((v) => {
    const value = draft[v.name];
    return value === undefined || (v.sensitive ? value === "" : value === v.value) ? [] : [{ name: v.name, value }];
  });
  const push = useMutation({
    mutationFn: () =>
      request("POST /api/v2/organizations/{organization}/templateversions", {
        path: { organization: template.organization_id },
        body: {
          template_id: template.id,
          file_id: version.job.file_id,
          provisioner: "terraform",
          storage_method: "file",
          tags: asked(version.job.tags),
          user_variable_values: changed,
        },
      }),
    onSuccess: async (made) => {
      await navigate({ search: { version: made.name } });
      await refresh();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (can.update !== false && changed.length > 0 && !push.isPending) push.mutate();
  };
  return (
    <form onSubmit={submit} className="flex max-w-[36rem] flex-col gap-4">
      <p className="text-muted">{words.variablesText}</p>
      {push.isError ? <ApiErrorBox error={push.error} /> : null}
      <Card>
        <div className="flex flex-col gap-4 px-4 py-4">
          {variables.map((v) => (
            <Variable
              key={v.name}
              variable={v}
              value={draft[v.name] ?? (v.sensitive ? "" : v.value)}
              onChange={(value) => setDraft((d) => ({ ...d, [v.name]: value }))}
            />
          ))}
        </div>
      </Card>
      <Button
        type="submit"
        look="primary"
        className="self-start"
        busy={push.isPending}
        reason={noRight(can.update) ?? (changed.length === 0 ? words.nothingChanged : undefined)}
      >
        {words.newVersion}
      </Button>
    </form>
  );
}

interface VariableProps {
  variable: TemplateVersionVariable;
  value: string;
  onChange: (value: string) => void;
}

function Variable({ variable: v, value, onChange }: VariableProps) {
  const usual = v.sensitive
    ? words.secretHint
    : v.required
      ? words.required
      : words.variableDefault(v.default_value || '""');
  const hint = [v.description, usual].filter(Boolean).join(" · ");
  const rest = { value, spellCheck: false, maxLength: 1 << 20 };
  return (
    <Field label={plain(v.name, 200)} hint={<span className="break-words">{plain(hint, 1000)}</span>}>
      {v.sensitive ? (
        <Input
          {...rest}
          type="password"
          autoComplete="new-password"
          placeholder={words.unchanged}
          onChange={(e) => onChange(e.target.value)}
        />
      ) : v.type === "bool" ? (
        <Select value={value} onChange={(e) => onChange(e.target.value)}>
          {value === "true" || value === "false" ? null : <option value={value}>{value}</option>}
          <option value="true">true</option>
          <option value="false">false</option>
        </Select>
      ) : v.type === "string" && !value.includes("\n") ? (
        <Input {...rest} onChange={(e) => onChange(e.target.value)} />
      ) : v.type === "number" ? (
        <Input {...rest} inputMode="decimal" onChange={(e) => onChange(e.target.value)} />
      ) : (
        <Textarea {...rest} rows={3} className="font-mono text-sm" onChange={(e) => onChange(e.target.value)} />
      )}
    </Field>
  );
}

/** Made follows the version that the form has made until it is active. */
function Made({ template, name }: { template: Template; name: string }) {
  const place = usePlace();
  const navigate = route.useNavigate();
  const { data: version, error } = useVersion(template, name);
  const close = () => void navigate({ search: {}, replace: true });
  const promote = usePromote(template, close);
  if (error) return <ApiErrorBox error={error} title={words.partFailed} />;
  if (!version) return <Skeleton className="h-40" />;
  const done = version.job.status === "succeeded";
  const shown = plain(name, 64);
  return (
    <Card
      title={
        working(version) ? words.importing(shown) : done ? words.importedVersion(shown) : words.importBroken(shown)
      }
      actions={
        <span className="flex flex-wrap gap-2 py-1">
          <Button size="sm" onClick={close}>
            {words.discard}
          </Button>
          <Link
            to="/templates/$organization/$template/versions/$version"
            params={{ ...place, version: version.name }}
            className={buttonClass("plain", "sm")}
          >
            {words.seeVersion}
          </Link>
          <Button
            size="sm"
            look="primary"
            busy={promote.isPending}
            reason={done ? undefined : words.notActiveYet}
            onClick={() => promote.mutate(version)}
          >
            {words.promote}
          </Button>
        </span>
      }
    >
      {version.job.status === "failed" ? (
        <div className="p-3">
          <ErrorBox message={plain(version.job.error ?? words.importFailed, 4000)} />
        </div>
      ) : null}
      <VersionLog version={version.id} />
    </Card>
  );
}
