import { useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useMemo, useState } from "react";
import type { Template, TemplateVersion } from "@/api/generated";
import { jobUnderWay, keepVersion, startVersion, useVersion, useVersionLog } from "@/components/versionbuild";
import { useShortcut } from "@/hooks/shortcut";
import { type Finding, findingOf, findings, missingVariables } from "@/lib/diagnostics";
import { Empty, Skeleton } from "@/ui/bits";
import { asRecord } from "@/ui/pairs";
import { Bar } from "./bar";
import type { Target } from "./code";
import { readDraft, useDraft } from "./draft";
import { FileDialog } from "./filedialogs";
import { Leave } from "./leave";
import { archiveOf, changed, type Files, firstOf, moved, without, withText } from "./model";
import { Panes } from "./panes";
import { Publish } from "./publish";
import { type Inputs, Settings } from "./settings";
import { words } from "./texts";
import { type Act, Tree } from "./tree";

const route = getRouteApi("/in/templates/$organization/$template/versions/$version/edit");
const Code = lazy(() => import("./code"));

interface Props {
  template: Template;
  opened: TemplateVersion;
  /** loaded are the files of the version that was opened, or of what was built last. */
  loaded: { version: string; files: Files };
}

type Asking = { kind: "publish" } | { kind: "settings" } | { kind: "file"; act: Act } | undefined;

/** Editor changes the files of a template, builds them and publishes what was built. */
export function Editor({ template, opened, loaded }: Props) {
  const client = useQueryClient();
  const navigate = route.useNavigate();
  const search = route.useSearch();
  const [base, setBase] = useState(loaded);
  const [files, setFiles] = useState(() => readDraft(template.id, loaded.version, loaded.files));
  const [asking, setAsking] = useState<Asking>();
  const [target, setTarget] = useState<Target>();
  const [inputs, setInputs] = useState<Inputs>(() => ({ tags: tagsOf(opened), variables: {}, more: [] }));
  const marks = useMemo(() => changed(base.files, files), [base, files]);
  const kept = useDraft(template.id, base.version, base.files, files);
  const built = useVersion(search.build).data;
  const log = useVersionLog(search.build);
  const found = useMemo(() => problems(built, log.lines), [built, log.lines]);
  const open = search.file && files.has(search.file) ? search.file : firstOf(files);
  const show = useCallback(
    (file: string) => void navigate({ search: (old) => ({ ...old, file }), replace: true }),
    [navigate],
  );
  const build = useMutation({
    mutationFn: (sent: Files) =>
      startVersion({
        organization: template.organization_id,
        template: template.id,
        source: { files: archiveOf(sent) },
        tags: asRecord(inputs.tags),
        variables: { ...inputs.variables, ...asRecord(inputs.more) },
      }),
    onSuccess: (version, sent) => {
      keepVersion(client, version);
      setBase({ version: version.id, files: sent });
      void navigate({ search: (old) => ({ ...old, build: version.id, tab: undefined }), replace: true });
    },
    onError: () => void navigate({ search: (old) => ({ ...old, tab: undefined }), replace: true }),
  });
  const busy = build.isPending || jobUnderWay(built?.job.status);
  const start = () => {
    if (!busy && !asking) build.mutate(files);
  };
  useShortcut("mod+s", start);
  const edited = useCallback((path: string, text: string) => setFiles((old) => withText(old, path, text)), []);
  const goTo = ({ file, line }: Finding) => {
    const path = file && [...files.keys()].find((p) => p === file.replace(/^\.\//, ""));
    if (!path) return;
    show(path);
    setTarget({ path, line: line ?? 1 });
  };
  const close = () => setAsking(undefined);
  const unready = busy
    ? words.building
    : !built
      ? words.publishFirst
      : marks.size > 0
        ? words.publishDirty
        : built.job.status !== "succeeded"
          ? words.publishFailed
          : undefined;
  const doc = open === undefined ? undefined : files.get(open);
  return (
    <div className="flex flex-col lg:h-full">
      <Bar
        template={template}
        version={opened}
        changes={marks.size}
        kept={kept}
        busy={busy}
        unready={unready}
        onBuild={start}
        onPublish={() => setAsking({ kind: "publish" })}
        onSettings={() => setAsking({ kind: "settings" })}
        onDiscard={() => setFiles(base.files)}
      />
      <Panes
        tree={
          <Tree
            files={files}
            changed={marks}
            open={open}
            onOpen={show}
            onAct={(act) => setAsking({ kind: "file", act })}
          />
        }
        panel={{
          version: built,
          preview: built?.job.status === "succeeded" ? built.id : opened.id,
          log,
          findings: found,
          error: build.error,
          onOpen: goTo,
          onSettings: () => setAsking({ kind: "settings" }),
        }}
      >
        {open === undefined || !doc ? (
          <Empty title={files.size === 0 ? words.empty : words.none} />
        ) : "data" in doc ? (
          <Empty
            title={open}
            text={`${words.bytes(doc.data.length)}. ${doc.data.subarray(0, 8000).includes(0) ? words.binary : words.large}`}
          />
        ) : (
          <Suspense fallback={<Skeleton className="m-3 h-40" />}>
            <Code
              path={open}
              text={doc.text}
              marked={found.filter((f) => f.file === open && f.level === "error").map((f) => f.line ?? 0)}
              target={target}
              onChange={edited}
            />
          </Suspense>
        )}
      </Panes>
      <Leave dirty={marks.size > 0} kept={kept} />
      {asking?.kind === "publish" && built ? <Publish template={template} version={built} onClose={close} /> : null}
      {asking?.kind === "settings" ? (
        <Settings
          version={opened.id}
          asked={missingVariables(built?.job.error ?? "")}
          inputs={inputs}
          onChange={setInputs}
          onClose={close}
        />
      ) : null}
      {asking?.kind === "file" ? (
        <FileDialog
          act={asking.act}
          files={files}
          onClose={close}
          onNew={(path) => {
            setFiles(withText(files, path, ""));
            show(path);
            close();
          }}
          onRename={(from, to) => {
            setFiles(moved(files, from, to));
            if (open && (open === from || open.startsWith(`${from}/`))) show(to + open.slice(from.length));
            close();
          }}
          onRemove={(path) => {
            setFiles(without(files, path));
            close();
          }}
        />
      ) : null}
    </div>
  );
}

/** tagsOf are the tags that the opened version was built with; two of them the server sets. */
function tagsOf(version: TemplateVersion) {
  return Object.entries(version.job.tags ?? {}).filter(([name]) => name !== "scope" && name !== "owner");
}

/** problems are what the last build has found. */
function problems(version: TemplateVersion | undefined, lines: Parameters<typeof findings>[0]): readonly Finding[] {
  const said = findings(lines);
  const only = version?.job.error ? findingOf(version.job.error) : undefined;
  return only && !said.some((f) => f.level === "error") ? [only, ...said] : said;
}
