import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useCallback, useMemo, useRef, useState } from "react";
import { ApiError, request } from "@/api/client";
import { evaluate } from "@/api/evaluate";
import type { Preset, Template, TemplateVersion, User } from "@/api/generated";
import { keyOf } from "@/api/queries";
import { ApiErrorBox } from "@/components/apierror";
import { noRight, useMay } from "@/components/may";
import { ParameterForm } from "@/components/parameters/form";
import { given, problems, refusedParameter, type Values } from "@/components/parameters/rules";
import { useEvaluation } from "@/components/parameters/use";
import { nameFault, suggestName } from "@/lib/names";
import { plain } from "@/lib/plain";
import { Skeleton } from "@/ui/bits";
import { Button } from "@/ui/button";
import { Auth, useAuth } from "./auth";
import { Cost } from "./cost";
import { General } from "./general";
import { type Link, LinkNotice } from "./link";
import { Presets } from "./presets";
import { words } from "./texts";

interface Props {
  template: Template;
  version: string;
  versions: TemplateVersion[];
  onVersion: (id: string) => void;
  presets: readonly Preset[];
  user: User;
  link: Link;
  /** lostVersion is a version that the link names and that cannot be used. */
  lostVersion: string | undefined;
}

/** Unfit is a form with values that the template does not take. */
class Unfit extends Error {}

function presetOf(presets: readonly Preset[], wanted: string | undefined): Preset | undefined {
  if (wanted === undefined) return presets.find((p) => p.Default);
  return presets.find((p) => p.Name === wanted || p.ID === wanted);
}

/** noPreset is how a link says that it wants none. */
const noPreset = "none";

const valuesOf = (preset: Preset | undefined): Values =>
  Object.fromEntries((preset?.Parameters ?? []).map((p) => [p.Name, p.Value]));

export function CreateForm({ template, version, versions, onVersion, presets, user, link, lostVersion }: Props) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const form = useRef<HTMLFormElement>(null);
  const [name, setName] = useState(() => link.name ?? suggestName());
  const [owner, setOwner] = useState({ id: user.id, username: user.username });
  const [choice, setChoice] = useState(link.preset);
  const preset = presetOf(presets, choice);
  const [own, setOwn] = useState<Values>(link.parameters);
  const [tried, setTried] = useState(false);
  const said = useMemo(() => ({ ...valuesOf(preset), ...own }), [preset, own]);
  const other = owner.id !== user.id;
  const { answer, error, asking } = useEvaluation(version, other ? owner.id : undefined, said);
  const auth = useAuth(version);
  const can = useMay({
    make: {
      action: "create",
      object: { resource_type: "workspace", organization_id: template.organization_id, owner_id: user.id },
    },
    forOthers: {
      action: "create",
      object: { resource_type: "workspace", organization_id: template.organization_id },
    },
  });
  const make = useMutation({
    mutationFn: async () => {
      const now = await evaluate(version, other ? owner.id : undefined, said);
      const general = (now.diagnostics ?? []).some((d) => d.severity === "error");
      if (nameFault(name) || general || Object.keys(problems(now, said)).length > 0) throw new Unfit(words.look);
      return request("POST /api/v2/organizations/{organization}/members/{user}/workspaces", {
        path: { organization: template.organization_id, user: owner.id },
        body: {
          name,
          template_version_id: version,
          rich_parameter_values: given(now, said),
          ...(preset ? { template_version_preset_id: preset.ID } : {}),
        },
      });
    },
    onSuccess: (made) => {
      const place = { path: { user: made.owner_name, workspacename: made.name } };
      client.setQueryData(keyOf("GET /api/v2/users/{user}/workspace/{workspacename}", place), made);
      void client.invalidateQueries({ queryKey: ["GET /api/v2/workspaces"] });
      void navigate({ to: "/@{$owner}/$name", params: { owner: made.owner_name, name: made.name } });
    },
    onError: () => {
      setTried(true);
      // After the errors are drawn: lead to the first of them.
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!make.isPending && !stop) make.mutate();
  };
  const reset = make.reset;
  const say = useCallback(
    (parameter: string, value: string) => {
      setOwn((old) => ({ ...old, [parameter]: value }));
      reset();
    },
    [reset],
  );
  const choose = (id: string) => {
    const next = presets.find((p) => p.ID === id);
    const sets = valuesOf(next);
    setChoice(next?.Name ?? noPreset);
    setOwn((old) => Object.fromEntries(Object.entries(old).filter(([key]) => sets[key] === undefined)));
  };
  const refusal = make.error instanceof ApiError ? make.error : undefined;
  const refused = refusedParameter(refusal?.field("rich_parameter_values") ?? "");
  const lost = [
    lostVersion ? words.versionUnknown(plain(lostVersion, 100)) : undefined,
    link.preset !== undefined && link.preset !== noPreset && !presetOf(presets, link.preset)
      ? words.presetUnknown(plain(link.preset, 100))
      : undefined,
  ].filter((line): line is string => Boolean(line));
  const known = answer ? new Map((answer.parameters ?? []).map((p) => [p.name, p])) : undefined;
  const stop =
    (template.deprecated ? words.deprecated : undefined) ??
    (can.make === false && !can.forOthers ? noRight(false) : undefined) ??
    (auth.missing && !other ? words.authNeeded : undefined);
  const shown = refusal && !refused && !refusal.field("name") ? refusal : undefined;
  return (
    <form ref={form} onSubmit={submit} noValidate className="flex flex-col gap-6">
      <LinkNotice link={link} known={known} lost={lost} />
      <General
        template={template}
        name={name}
        onName={(next) => {
          setName(next);
          reset();
        }}
        nameError={refusal?.field("name") ?? (tried || name ? nameFault(name) : undefined)}
        owner={owner}
        onOwner={can.forOthers ? setOwner : undefined}
        user={user}
        version={version}
        versions={versions}
        onVersion={onVersion}
      />
      <Auth auth={auth} other={other} />
      {presets.length > 0 ? (
        <Presets presets={presets} parameters={answer?.parameters ?? []} value={preset?.ID ?? ""} onChange={choose} />
      ) : null}
      <section
        aria-label={words.parameters}
        aria-busy={asking}
        className="flex flex-col gap-5 border-line border-t pt-5"
      >
        {error && !(answer && error.code === "unreachable") ? (
          <ApiErrorBox error={error} title={words.partFailed} />
        ) : null}
        {!answer && !error ? <Skeleton className="h-64" /> : null}
        {answer ? (
          <ParameterForm
            answer={answer}
            said={said}
            onSay={say}
            all={tried}
            refused={refused ? { [refused.name]: refused.text } : undefined}
          />
        ) : null}
      </section>
      <footer className="flex flex-col gap-4 border-line border-t pt-5">
        <Cost template={template} version={version} owner={owner.id} />
        {shown ? <ApiErrorBox error={shown} title={words.failed} /> : null}
        {make.error instanceof Unfit ? (
          <p role="alert" className="text-bad text-sm">
            {make.error.message}
          </p>
        ) : null}
        <Button type="submit" look="primary" busy={make.isPending} reason={stop} className="self-start">
          {words.create}
        </Button>
      </footer>
    </form>
  );
}
