import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { type FormEvent, useCallback, useMemo, useState } from "react";
import { ApiError } from "@/api/client";
import { evaluate } from "@/api/evaluate";
import type { ParameterValue, Workspace } from "@/api/generated";
import { read } from "@/api/queries";
import { ApiErrorBox, toastError } from "@/components/apierror";
import { rebuild, showBuild } from "@/components/builds";
import { ParameterForm } from "@/components/parameters/form";
import { given, problems, refusedParameter, type Values } from "@/components/parameters/rules";
import { useEvaluation } from "@/components/parameters/use";
import { plan } from "@/components/plans";
import { underWay } from "@/lib/status";
import { Skeleton } from "@/ui/bits";
import { Button } from "@/ui/button";
import { toast } from "@/ui/toast";
import { PlanDialog } from "./plan";
import { words } from "./texts";
import { FixedValues } from "./values";

const route = getRouteApi("/in/@{$owner}/$name");

interface Props {
  workspace: Workspace;
  /** version is what the workspace is to be built with. */
  version: string;
}

/** Rebuild waits for the values of the last build, and then asks for others. */
export function Rebuild({ workspace, version }: Props) {
  const build = workspace.latest_build;
  const values = useQuery(
    read("GET /api/v2/workspacebuilds/{workspacebuild}/parameters", { path: { workspacebuild: build.id } }),
  );
  const known = useQuery(
    read("GET /api/v2/templateversions/{templateversion}/rich-parameters", {
      path: { templateversion: build.template_version_id },
    }),
  );
  const error = values.error ?? known.error;
  const before = useMemo(() => {
    if (!values.data || !known.data) return undefined;
    // What was for one build only is not what the next one begins with.
    const once = new Set(known.data.filter((p) => p.ephemeral).map((p) => p.name));
    return Object.fromEntries(values.data.filter((v) => !once.has(v.name)).map((v) => [v.name, v.value]));
  }, [values.data, known.data]);
  if (error)
    return (
      <ApiErrorBox
        error={error}
        title={words.partFailed}
        onRetry={() => void Promise.all([values.refetch(), known.refetch()])}
      />
    );
  if (!before) return <Skeleton className="h-72" />;
  return <Form key={version} workspace={workspace} version={version} before={before} />;
}

/** Unfit is a form with values that the template does not take. */
class Unfit extends Error {}

function Form({ workspace, version, before }: Props & { before: Values }) {
  const client = useQueryClient();
  const navigate = route.useNavigate();
  const [own, setOwn] = useState<Values>({});
  const [tried, setTried] = useState(false);
  const said = useMemo(() => ({ ...before, ...own }), [before, own]);
  const { answer, error, asking } = useEvaluation(version, workspace.owner_id, said);
  // Others than the owner may build a workspace that is shared with them, but not ask in the owner's name.
  const blind = !answer && (error?.status === 403 || error?.status === 404);
  const look = useMutation({
    mutationFn: async () => {
      if (blind) return { values: [], found: await plan(workspace.id, { version }) };
      const now = await evaluate(version, workspace.owner_id, said);
      const general = (now.diagnostics ?? []).some((d) => d.severity === "error");
      if (general || Object.keys(problems(now, said, before)).length > 0) throw new Unfit(words.putRight);
      const values = given(now, own, before);
      return { values, found: await plan(workspace.id, { version, values }) };
    },
    onError: () => setTried(true),
  });
  const run = useMutation({
    mutationFn: ({ values, loss }: { values: ParameterValue[]; loss: boolean }) =>
      rebuild(workspace, { version, values, loss }),
    onSuccess: (build) => showBuild(client, workspace, build),
    onError: (failure) => toastError(words.notStarted, failure),
  });
  const reset = look.reset;
  const say = useCallback(
    (name: string, value: string) => {
      setOwn((old) => ({ ...old, [name]: value }));
      reset();
    },
    [reset],
  );
  const status = workspace.latest_build.status;
  const running = status === "running";
  const update = version !== workspace.latest_build.template_version_id;
  const changed = Object.entries(own).some(([name, value]) => before[name] !== value);
  const reason = underWay(status)
    ? words.underWay
    : status === "deleted"
      ? words.deletedTitle
      : running && !update && !changed
        ? words.unchanged
        : undefined;
  const confirm = (loss: boolean) => {
    if (!look.data) return;
    if (running) toast({ tone: "ok", title: words.stopsFirst, text: words.keepOpen });
    run.mutate({ values: look.data.values, loss });
    void navigate({ search: {} });
  };
  const refusal = look.error instanceof ApiError ? look.error : undefined;
  const refused = refusedParameter(refusal?.field("rich_parameter_values") ?? "");
  return (
    <form
      noValidate
      aria-busy={asking}
      className="flex max-w-xl flex-col gap-6"
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        if (!reason && !look.isPending) look.mutate();
      }}
    >
      {blind ? <FixedValues version={workspace.latest_build.template_version_id} values={before} /> : null}
      {error && !blind && !(answer && error.code === "unreachable") ? (
        <ApiErrorBox error={error} title={words.partFailed} />
      ) : null}
      {!answer && !error ? <Skeleton className="h-64" /> : null}
      {answer ? (
        <ParameterForm
          answer={answer}
          said={said}
          onSay={say}
          before={before}
          all={tried || update}
          refused={refused ? { [refused.name]: refused.text } : undefined}
        />
      ) : null}
      <footer className="flex flex-col gap-4 border-line border-t pt-5">
        {look.error && !(look.error instanceof Unfit) && !refused ? (
          <ApiErrorBox error={look.error} title={words.planFailed} />
        ) : null}
        {look.error instanceof Unfit ? (
          <p role="alert" className="text-bad text-sm">
            {look.error.message}
          </p>
        ) : null}
        <div className="flex flex-wrap items-center gap-3">
          <Button type="submit" look="primary" busy={look.isPending} reason={reason}>
            {look.isPending ? words.planning : words.review}
          </Button>
          <p className="min-w-0 flex-1 basis-48 text-muted text-sm">{words.reviewText}</p>
        </div>
      </footer>
      {look.data ? (
        <PlanDialog
          found={look.data.found}
          title={update ? words.planUpdate(workspace.name) : words.planChange(workspace.name)}
          act={running ? words.restart : words.start}
          running={running}
          onClose={reset}
          onConfirm={confirm}
        />
      ) : null}
    </form>
  );
}
