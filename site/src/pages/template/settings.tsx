import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, type ReactNode, useState } from "react";
import { ApiError, request } from "@/api/client";
import type { Template, UpdateTemplateRequest } from "@/api/generated";
import { ApiErrorBox } from "@/components/apierror";
import { noRight } from "@/components/may";
import { Avatar, Card } from "@/ui/bits";
import { Button } from "@/ui/button";
import { Checkbox, Field, Input, Select } from "@/ui/field";
import { Textarea } from "@/ui/textarea";
import { toast } from "@/ui/toast";
import { useChanged, usePlace, useRights, useTemplate } from "./data";
import { SettingsFrame } from "./settingsframe";
import { words } from "./texts";

export default function TemplateSettings() {
  const template = useTemplate();
  return (
    <SettingsFrame template={template}>
      <Form key={template.id} template={template} />
    </SettingsFrame>
  );
}

/** What the form holds, and what of it a change sends. */
const fields = [
  "name",
  "display_name",
  "description",
  "icon",
  "deprecation_message",
  "require_active_version",
  "allow_user_cancel_workspace_jobs",
  "use_classic_parameter_flow",
  "max_port_share_level",
  "cors_behavior",
] as const;
type Draft = Pick<Template, (typeof fields)[number]>;

const draftOf = (t: Template) => Object.fromEntries(fields.map((f) => [f, t[f]])) as unknown as Draft;

function Form({ template }: { template: Template }) {
  const [draft, setDraft] = useState(() => draftOf(template));
  const can = useRights(template);
  const save = useSave(template);
  const changes = Object.fromEntries(
    fields.filter((f) => draft[f] !== template[f]).map((f) => [f, draft[f]]),
  ) as UpdateTemplateRequest;
  const set =
    <K extends keyof Draft>(field: K) =>
    (value: Draft[K]) =>
      setDraft((d) => ({ ...d, [field]: value }));
  const error = save.error instanceof ApiError ? save.error : undefined;
  const inField = error && fields.some((f) => error.field(f));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (can.update !== false && !save.isPending && Object.keys(changes).length > 0) save.mutate(changes);
  };
  return (
    <form onSubmit={submit} className="flex max-w-[36rem] flex-col gap-5">
      {save.isError && !inField ? <ApiErrorBox error={save.error} /> : null}
      <General draft={draft} set={set} error={error} />
      <Policy draft={draft} set={set} error={error} />
      <Card title={words.deprecation}>
        <div className="px-4 py-4">
          <Field label={words.message} error={error?.field("deprecation_message")} hint={words.deprecationHint}>
            <Textarea
              value={draft.deprecation_message}
              onChange={(e) => set("deprecation_message")(e.target.value)}
              maxLength={1024}
            />
          </Field>
        </div>
      </Card>
      <Button
        type="submit"
        look="primary"
        className="self-start"
        busy={save.isPending}
        reason={noRight(can.update)}
        disabled={Object.keys(changes).length === 0}
      >
        {words.save}
      </Button>
    </form>
  );
}

function useSave(template: Template) {
  const refresh = useChanged();
  const navigate = useNavigate();
  const place = usePlace();
  return useMutation({
    mutationFn: (body: UpdateTemplateRequest) =>
      request("PATCH /api/v2/templates/{template}", { path: { template: template.id }, body }),
    onSuccess: async (changed) => {
      toast({ tone: "ok", title: words.saved });
      if (changed.name !== template.name) {
        await navigate({
          to: "/templates/$organization/$template/settings",
          params: { ...place, template: changed.name },
          replace: true,
        });
      }
      await refresh();
    },
  });
}

interface PartProps {
  draft: Draft;
  set: <K extends keyof Draft>(field: K) => (value: Draft[K]) => void;
  error: ApiError | undefined;
}

function General({ draft, set, error }: PartProps) {
  return (
    <Card title={words.general}>
      <div className="flex flex-col gap-4 px-4 py-4">
        <Field label={words.name} error={error?.field("name")} hint={words.nameHint}>
          <Input
            value={draft.name}
            onChange={(e) => set("name")(e.target.value)}
            maxLength={32}
            required
            spellCheck={false}
          />
        </Field>
        <Field label={words.displayName} error={error?.field("display_name")}>
          <Input value={draft.display_name} onChange={(e) => set("display_name")(e.target.value)} maxLength={64} />
        </Field>
        <Field label={words.description} error={error?.field("description")}>
          <Textarea
            value={draft.description}
            onChange={(e) => set("description")(e.target.value)}
            maxLength={128}
            rows={2}
          />
        </Field>
        <div className="flex items-start gap-3 [&>:last-child]:flex-1">
          <span className="mt-6.5">
            <Avatar key={draft.icon} name={draft.display_name || draft.name || "?"} src={draft.icon} square size={32} />
          </span>
          <Field label={words.icon} error={error?.field("icon")} hint={words.iconHint}>
            <Input
              value={draft.icon}
              onChange={(e) => set("icon")(e.target.value)}
              maxLength={256}
              spellCheck={false}
            />
          </Field>
        </div>
      </div>
    </Card>
  );
}

const Choice = ({ hint, children }: { hint: string; children: ReactNode }) => (
  <div className="flex flex-col gap-0.5">
    {children}
    <p className="pl-6 text-muted text-xs">{hint}</p>
  </div>
);

function Policy({ draft, set, error }: PartProps) {
  return (
    <Card title={words.policy}>
      <div className="flex flex-col gap-4 px-4 py-4">
        <Choice hint={words.requireActiveHint}>
          <Checkbox
            label={words.requireActive}
            checked={draft.require_active_version}
            onChange={set("require_active_version")}
          />
        </Choice>
        <Choice hint={words.allowCancelHint}>
          <Checkbox
            label={words.allowCancel}
            checked={draft.allow_user_cancel_workspace_jobs}
            onChange={set("allow_user_cancel_workspace_jobs")}
          />
        </Choice>
        <Choice hint={words.classicHint}>
          <Checkbox
            label={words.classic}
            checked={draft.use_classic_parameter_flow}
            onChange={set("use_classic_parameter_flow")}
          />
        </Choice>
        <Field label={words.shareLevel} error={error?.field("max_port_share_level")}>
          <Select value={draft.max_port_share_level} onChange={(e) => set("max_port_share_level")(e.target.value)}>
            {Object.entries(words.shareLevels).map(([level, text]) => (
              <option key={level} value={level}>
                {text}
              </option>
            ))}
          </Select>
        </Field>
        <Field label={words.cors} error={error?.field("cors_behavior")}>
          <Select value={draft.cors_behavior} onChange={(e) => set("cors_behavior")(e.target.value)}>
            {Object.entries(words.corsKinds).map(([kind, text]) => (
              <option key={kind} value={kind}>
                {text}
              </option>
            ))}
          </Select>
        </Field>
      </div>
    </Card>
  );
}
