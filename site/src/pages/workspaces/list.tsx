import { Link } from "@tanstack/react-router";
import { Play, Square } from "lucide-react";
import { memo, useRef } from "react";
import type { Workspace } from "@/api/generated";
import { Ago } from "@/components/ago";
import { useBuild } from "@/components/builds";
import { WorkspaceStatus } from "@/components/workspacestatus";
import { cx } from "@/lib/cx";
import { plain } from "@/lib/plain";
import { refusal } from "@/lib/status";
import { Avatar } from "@/ui/bits";
import { IconButton } from "@/ui/button";
import { Checkbox } from "@/ui/field";
import { Badge } from "@/ui/status";
import { VirtualRows } from "@/ui/virtual";
import { words } from "./texts";

const columns =
  "grid grid-cols-[1.25rem_minmax(0,1fr)_6rem_2rem] items-center gap-x-3 px-3 sm:px-4 md:grid-cols-[2rem_minmax(0,2fr)_8rem_minmax(0,1.2fr)_7.5rem_2.5rem]";

interface Props {
  rows: Workspace[];
  picked: ReadonlySet<string>;
  onPick: (picked: ReadonlySet<string>) => void;
  /** stale says that the rows answer an earlier question. */
  stale: boolean;
}

export function List({ rows, picked, onPick, stale }: Props) {
  const count = rows.filter((w) => picked.has(w.id)).length;
  const all = count === 0 ? false : count === rows.length ? true : "indeterminate";
  const latest = useRef(picked);
  latest.current = picked;
  const toggle = useRef((id: string, on: boolean) => {
    const next = new Set(latest.current);
    if (on) next.add(id);
    else next.delete(id);
    onPick(next);
  }).current;
  return (
    <div
      role="table"
      aria-label={words.title}
      aria-rowcount={rows.length + 1}
      aria-busy={stale}
      className={cx(
        "mb-4 flex min-h-0 flex-col overflow-hidden rounded-lg border border-line bg-surface transition-opacity",
        stale && "opacity-60",
      )}
    >
      <div role="rowgroup">
        <div
          role="row"
          aria-rowindex={1}
          className={cx(columns, "h-9 border-line border-b bg-sunken font-medium text-muted text-xs")}
        >
          <div role="columnheader">
            <Checkbox
              bare
              label={words.selectAll}
              checked={all}
              onChange={(on) => onPick(new Set(on ? rows.map((w) => w.id) : []))}
            />
          </div>
          <div role="columnheader">{words.name}</div>
          <div role="columnheader">{words.state}</div>
          <div role="columnheader" className="max-md:hidden">
            {words.template}
          </div>
          <div role="columnheader" className="max-md:hidden">
            {words.used}
          </div>
          <div role="columnheader">
            <span className="sr-only">{words.actions}</span>
          </div>
        </div>
      </div>
      <VirtualRows
        role="rowgroup"
        className="min-h-0 overflow-y-auto"
        count={rows.length}
        rowHeight={52}
        keyOf={(i) => rows[i]!.id}
        row={(i) => (
          <Row
            index={i}
            workspace={rows[i]!}
            picked={picked.has(rows[i]!.id)}
            last={i === rows.length - 1}
            onPick={toggle}
          />
        )}
      />
    </div>
  );
}

interface RowProps {
  workspace: Workspace;
  index: number;
  picked: boolean;
  last: boolean;
  onPick: (id: string, on: boolean) => void;
}

const Row = memo(function Row({ workspace: w, index, picked, last, onPick }: RowProps) {
  const name = plain(w.name, 64);
  const template = plain(w.template_display_name || w.template_name, 64);
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className={cx(
        columns,
        "relative h-full transition-colors",
        picked ? "bg-accent-soft" : "hover:bg-hover",
        !last && "border-line border-b",
      )}
    >
      <div role="cell" className="relative z-10">
        <Checkbox bare label={words.select(name)} checked={picked} onChange={(on) => onPick(w.id, on)} />
      </div>
      <div role="cell" className="flex min-w-0 items-center gap-3">
        <span className="max-sm:hidden">
          <Avatar name={template} src={w.template_icon} square size={28} />
        </span>
        <div className="min-w-0">
          <div className="flex items-center gap-2">
            <Link
              to="/@{$owner}/$name"
              params={{ owner: w.owner_name, name: w.name }}
              className="truncate rounded-sm font-medium after:absolute after:inset-0"
            >
              {name}
            </Link>
            {w.outdated ? (
              <span title={words.outdatedTip} className="max-sm:hidden">
                <Badge tone="warn">{words.outdated}</Badge>
              </span>
            ) : null}
          </div>
          <div className="truncate text-muted text-sm">
            {w.owner_name}
            <span className="md:hidden"> · {template}</span>
          </div>
        </div>
      </div>
      <div role="cell">
        <WorkspaceStatus workspace={w} />
      </div>
      <div role="cell" className="truncate text-muted max-md:hidden">
        {template}
      </div>
      <div role="cell" className="truncate text-muted max-md:hidden">
        <Ago at={w.last_used_at} />
      </div>
      <div role="cell" className="relative z-10 text-right">
        <Switch workspace={w} />
      </div>
    </div>
  );
});

/** Switch starts or stops, whichever can be done. */
function Switch({ workspace }: { workspace: Workspace }) {
  const build = useBuild();
  const status = workspace.latest_build.status;
  const on = status === "running";
  if (refusal(on ? "stop" : "start", status) || build.isPending) return null;
  const label = `${on ? words.stop : words.start} ${plain(workspace.name, 64)}`;
  return (
    <IconButton label={label} onClick={() => build.mutate({ workspace, transition: on ? "stop" : "start" })}>
      {on ? <Square size={15} /> : <Play size={15} />}
    </IconButton>
  );
}
