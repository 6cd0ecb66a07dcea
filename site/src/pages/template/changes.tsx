import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useMemo } from "react";
import type { Template, TemplateVersion } from "@/api/generated";
import { ApiErrorBox } from "@/components/apierror";
import { type Change, compareFiles, counts, type DiffLine, diffLines } from "@/lib/diff";
import { plain } from "@/lib/plain";
import type { TarFile } from "@/lib/tar";
import { Card, Empty, Skeleton } from "@/ui/bits";
import { type CodeLine, CodeView } from "@/ui/codeview";
import { Select } from "@/ui/field";
import { filesQuery, step, useVersion, useVersions } from "./data";
import { FileList } from "./filelist";
import { words } from "./texts";

const route = getRouteApi("/in/templates/$organization/$template/versions/$version");

interface Props {
  template: Template;
  version: TemplateVersion;
}

/** Changes shows how the files of a version differ from those of another: the one in the URL, or the active one. */
export function Changes({ template, version }: Props) {
  const { compare } = route.useSearch();
  const navigate = route.useNavigate();
  const list = useVersions(template.id, false, step).data;
  // The active one is compared with the one before it.
  const before = list?.[list.findIndex((v) => v.id === version.id) + 1];
  const usual = version.id === template.active_version_id ? before?.name : undefined;
  const name = compare ?? usual;
  const other = useVersion(template, name);
  const choices = (list ?? []).filter((v) => v.id !== version.id);
  if (other.data && !choices.some((v) => v.id === other.data.id) && other.data.id !== version.id) {
    choices.unshift(other.data);
  }
  const none = !list ? undefined : choices.length === 0 ? words.noOther : words.sameVersion;
  const same = other.data?.id === version.id;
  return (
    <section aria-label={words.changes} className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <h2 className="flex-1 font-semibold">{words.changes}</h2>
        {choices.length > 0 ? (
          <div className="flex min-w-0 max-w-full items-center gap-2 text-muted text-sm">
            <span aria-hidden>{words.compareWith}</span>
            <Select
              aria-label={words.compareWith}
              value={same ? "" : (other.data?.name ?? "")}
              onChange={(e) => void navigate({ search: { compare: e.target.value }, replace: true })}
              className="min-w-0"
            >
              {same || !other.data ? <option value="" /> : null}
              {choices.map((v) => (
                <option key={v.id} value={v.name}>
                  {v.id === template.active_version_id ? words.activeVersion(plain(v.name, 64)) : plain(v.name, 64)}
                </option>
              ))}
            </Select>
          </div>
        ) : null}
      </div>
      {other.error ? <ApiErrorBox error={other.error} title={words.partFailed} /> : null}
      {other.isPending ? <Skeleton className="h-40" /> : null}
      {same && none ? <p className="text-muted">{none}</p> : null}
      {other.data && !same ? <Compared before={other.data} after={version} /> : null}
    </section>
  );
}

function Compared({ before, after }: { before: TemplateVersion; after: TemplateVersion }) {
  const left = useQuery(filesQuery(before.job.file_id));
  const right = useQuery(filesQuery(after.job.file_id));
  const { file: wanted } = route.useSearch();
  const changes = useMemo(
    () => (left.data?.files && right.data?.files ? compareFiles(left.data.files, right.data.files) : undefined),
    [left.data, right.data],
  );
  const names = useMemo(() => changes?.map((c) => c.name) ?? [], [changes]);
  const error = left.error ?? right.error;
  if (error) return <ApiErrorBox error={error} title={words.filesFailed} />;
  if (!left.data || !right.data) return <Skeleton className="h-40" />;
  if (!changes) return <Empty title={words.zip} />;
  if (changes.length === 0) return <p className="text-muted">{words.noChanges}</p>;
  const kinds = new Map(changes.map((c) => [c.name, c.kind]));
  const chosen = changes.find((c) => c.name === wanted) ?? usual(changes);
  return (
    <div className="grid gap-3 lg:grid-cols-[16rem_minmax(0,1fr)] lg:items-start">
      <Card title={words.changedFiles(changes.length)}>
        <FileList
          label={words.changes}
          names={names}
          chosen={chosen.name}
          mark={(n) => <Mark kind={kinds.get(n)!} />}
        />
      </Card>
      <Diff key={`${before.id} ${after.id} ${chosen.name}`} change={chosen} />
    </div>
  );
}

/** usual is the file that is shown first. */
const usual = (changes: Change<TarFile>[]) =>
  changes.find((c) => c.name === "main.tf") ?? changes.find((c) => (c.after ?? c.before)?.text) ?? changes[0]!;

const marks = { added: ["A", "text-ok"], removed: ["D", "text-bad"], changed: ["M", "text-warn"] } as const;

function Mark({ kind }: { kind: Change["kind"] }) {
  const [letter, look] = marks[kind];
  return (
    <span className={`shrink-0 font-medium text-xs ${look}`} title={words.fileKinds[kind]}>
      <span aria-hidden>{letter}</span>
      <span className="sr-only">{words.fileKinds[kind]}</span>
    </span>
  );
}

const sign = { same: "", added: "+", removed: "−", gap: "" } as const;
const tone = { same: undefined, added: "added", removed: "removed", gap: "quiet" } as const;

const shown = (line: DiffLine): CodeLine => ({
  text: line.text,
  numbers: [line.before, line.after],
  mark: sign[line.kind],
  tone: tone[line.kind],
});

function Diff({ change }: { change: Change<TarFile> }) {
  const { before, after } = change;
  const isText = (!before || before.text !== undefined) && (!after || after.text !== undefined);
  const lines = useMemo(
    () => (isText ? diffLines(before?.text ?? "", after?.text ?? "") : undefined),
    [isText, before, after],
  );
  const sum = lines ? counts(lines) : undefined;
  return (
    <Card
      title={<span className="break-all font-medium font-mono text-sm">{plain(change.name, 300)}</span>}
      actions={
        sum ? (
          <span className="flex gap-2 text-sm tabular-nums">
            <span className="text-ok">+{sum.added}</span>
            <span className="text-bad">−{sum.removed}</span>
          </span>
        ) : null
      }
    >
      {lines ? (
        <CodeView lines={lines.map(shown)} label={plain(change.name, 300)} empty={words.emptyFile} />
      ) : (
        <p className="px-4 py-6 text-muted">{isText ? words.tooDifferent : words.binaryChanged}</p>
      )}
    </Card>
  );
}
