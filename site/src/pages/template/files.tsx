import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Download, SquarePen } from "lucide-react";
import { useMemo } from "react";
import type { Template, TemplateVersion } from "@/api/generated";
import { ApiErrorBox } from "@/components/apierror";
import { plain } from "@/lib/plain";
import type { TarFile } from "@/lib/tar";
import { Card, Empty, Skeleton } from "@/ui/bits";
import { Button, buttonClass } from "@/ui/button";
import { CopyButton } from "@/ui/codeblock";
import { CodeView, codeLines } from "@/ui/codeview";
import { Select } from "@/ui/field";
import { filesQuery, step, usePlace, useRights, useTemplate, useVersion, useVersions } from "./data";
import { FileList } from "./filelist";
import { save } from "./save";
import { words } from "./texts";

const route = getRouteApi("/in/templates/$organization/$template/files");

/** TemplateFiles shows what a version was made of. */
export default function TemplateFiles() {
  const template = useTemplate();
  const { version: name } = route.useSearch();
  const { data: version, error, refetch } = useVersion(template, name);
  if (error) return <ApiErrorBox error={error} title={words.partFailed} onRetry={() => void refetch()} />;
  if (!version) return <Skeleton className="h-72" />;
  return <Files template={template} version={version} />;
}

function Files({ template, version }: { template: Template; version: TemplateVersion }) {
  const { file: wanted } = route.useSearch();
  const { data, error, refetch } = useQuery(filesQuery(version.job.file_id));
  const names = useMemo(() => data?.files?.map((f) => f.name) ?? [], [data]);
  const chosen = wanted ?? names.find((n) => n === "main.tf") ?? names.find((n) => n.endsWith(".tf")) ?? names[0];
  const file = data?.files?.find((f) => f.name === chosen);
  const download = () =>
    data && save(data.bytes, data.type, `${template.name}-${version.name}.${data.files ? "tar" : "zip"}`);
  return (
    <div className="flex flex-col gap-3">
      <Bar template={template} version={version} onDownload={data ? download : undefined} />
      {error ? <ApiErrorBox error={error} title={words.filesFailed} onRetry={() => void refetch()} /> : null}
      {!data && !error ? <Skeleton className="h-72" /> : null}
      {data && !data.files ? <Empty title={words.zip} /> : null}
      {data?.files?.length === 0 ? <Empty title={words.noFiles} /> : null}
      {data?.files?.length ? (
        <div className="grid gap-3 lg:grid-cols-[16rem_minmax(0,1fr)] lg:items-start">
          <Card>
            <FileList label={words.tree} names={names} chosen={chosen} />
          </Card>
          {file ? (
            <Viewer key={file.name} file={file} />
          ) : (
            <Empty title={words.noFile} text={plain(chosen ?? "", 200)} />
          )}
        </div>
      ) : null}
    </div>
  );
}

function Viewer({ file }: { file: TarFile }) {
  const lines = useMemo(() => (file.text === undefined ? undefined : codeLines(file.text)), [file]);
  return (
    <Card
      title={<span className="break-all font-medium font-mono text-sm">{plain(file.name, 300)}</span>}
      actions={
        <span className="flex items-center gap-2 text-muted text-xs">
          {lines ? `${words.lineCount(lines.length)} · ` : ""}
          {words.size(file.data.length)}
          {file.text ? <CopyButton text={file.text} label={words.copyFile} /> : null}
        </span>
      }
    >
      {lines ? (
        <CodeView lines={lines} label={plain(file.name, 300)} empty={words.emptyFile} />
      ) : (
        <p className="px-4 py-6 text-muted">{words.binary}</p>
      )}
    </Card>
  );
}

function Bar({
  template,
  version,
  onDownload,
}: {
  template: Template;
  version: TemplateVersion;
  onDownload: (() => void) | undefined;
}) {
  const place = usePlace();
  const navigate = route.useNavigate();
  const can = useRights(template);
  const list = useVersions(template.id, false, step).data ?? [];
  const all = list.some((v) => v.id === version.id) ? list : [version, ...list];
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Select
        aria-label={words.version}
        value={version.name}
        onChange={(e) => {
          const next = all.find((v) => v.name === e.target.value);
          const name = next?.id === template.active_version_id ? undefined : next?.name;
          void navigate({ search: (old) => ({ ...old, version: name }), replace: true });
        }}
        className="max-w-full"
      >
        {all.map((v) => (
          <option key={v.id} value={v.name}>
            {v.id === template.active_version_id ? words.activeVersion(plain(v.name, 64)) : plain(v.name, 64)}
          </option>
        ))}
      </Select>
      <span className="flex-1" />
      <Button icon={<Download size={15} />} disabled={!onDownload} onClick={onDownload}>
        {words.download}
      </Button>
      {can.update && version.id !== template.active_version_id ? (
        <Link
          to="/templates/$organization/$template/versions/$version/edit"
          params={{ ...place, version: version.name }}
          className={buttonClass()}
        >
          <SquarePen size={15} aria-hidden /> {words.editFiles}
        </Link>
      ) : null}
    </div>
  );
}
