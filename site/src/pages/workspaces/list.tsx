import { useRouter } from "@tanstack/react-router";
import { Play, Square } from "lucide-react";
import { type MouseEvent, memo, useMemo, useRef, useState } from "react";
import { basePath } from "@/api/base";
import type { Workspace } from "@/api/generated";
import { Ago } from "@/components/ago";
import { useBuild } from "@/components/builds";
import { WorkspaceStatus } from "@/components/workspacestatus";
import { cx } from "@/lib/cx";
import { plain } from "@/lib/plain";
import { refusal } from "@/lib/status";
import { ownImage } from "@/ui/bits";
import { Checkbox } from "@/ui/field";
import { Badge } from "@/ui/status";
import { VirtualRows } from "@/ui/virtual";
import { words } from "./texts";

const columns =
  "grid grid-cols-[1.25rem_minmax(0,1fr)_6rem_2rem] items-center gap-x-3 px-3 sm:px-4 md:grid-cols-[2rem_minmax(0,2fr)_8rem_minmax(0,1.2fr)_7.5rem_2.5rem]";

/** How long a pointer rests on a row before its page is fetched, in milliseconds. */
const resting = 80;

/** The box of rows: as the one of ui/field looks, from the browser's own. */
const box =
  "relative size-4 shrink-0 cursor-pointer appearance-none rounded-sm border border-line-strong bg-surface checked:border-accent checked:bg-accent before:absolute before:inset-[2px] before:hidden before:bg-on-accent before:[clip-path:polygon(14%_44%,0_60%,40%_100%,100%_18%,86%_5%,38%_70%)] checked:before:block after:absolute after:-inset-2";
const startIcon = <Play size={15} aria-hidden />;
const stopIcon = <Square size={15} aria-hidden />;

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
  const { acts, busy } = useActs((id, on) => {
    const next = new Set(latest.current);
    if (on) next.add(id);
    else next.delete(id);
    onPick(next);
  });
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
            busy={busy.has(rows[i]!.id)}
            last={i === rows.length - 1}
            acts={acts}
          />
        )}
      />
    </div>
  );
}

/** useActs is what rows can do, and the workspaces whose build is being asked for. */
function useActs(pick: Acts["pick"]) {
  const router = useRouter();
  const { mutateAsync } = useBuild();
  const [busy, setBusy] = useState<ReadonlySet<string>>(new Set());
  const latest = useRef({ pick, mutateAsync });
  latest.current = { pick, mutateAsync };
  const acts = useMemo((): Acts => {
    const to = (w: Workspace) => ({ to: "/@{$owner}/$name", params: { owner: w.owner_name, name: w.name } }) as const;
    const mark = (id: string, on: boolean) =>
      setBusy((all) => new Set(on ? [...all, id] : [...all].filter((other) => other !== id)));
    const preload = (w: Workspace) => void router.preloadRoute(to(w)).catch(() => {});
    let timer: ReturnType<typeof setTimeout> | undefined;
    return {
      pick: (id, on) => latest.current.pick(id, on),
      flip: (workspace) => {
        mark(workspace.id, true);
        const transition = workspace.latest_build.status === "running" ? "stop" : "start";
        latest.current
          .mutateAsync({ workspace, transition })
          .catch(() => {}) // it was told already
          .finally(() => mark(workspace.id, false));
      },
      open: (event, w) => {
        const { ctrlKey, metaKey, shiftKey, altKey, button } = event;
        if (ctrlKey || metaKey || shiftKey || altKey || button !== 0) return; // the browser's: a new tab, a download
        event.preventDefault();
        void router.navigate(to(w));
      },
      preload,
      rest: (w) => {
        clearTimeout(timer);
        if (w) timer = setTimeout(() => preload(w), resting);
      },
    };
  }, [router]);
  return { acts, busy };
}

interface RowProps {
  workspace: Workspace;
  index: number;
  picked: boolean;
  busy: boolean;
  last: boolean;
  acts: Acts;
}

/** What rows do. It is one object for all of them and never changes. */
interface Acts {
  pick: (id: string, on: boolean) => void;
  flip: (workspace: Workspace) => void;
  open: (event: MouseEvent, workspace: Workspace) => void;
  preload: (workspace: Workspace) => void;
  /** rest preloads what the pointer rests on; rows that pass below it while the list moves are none of that. */
  rest: (workspace: Workspace | undefined) => void;
}

/**
 * Row is drawn twenty times in a frame while somebody scrolls, so it is made of the
 * browser's own elements: a link of the router, a tooltip and a box of the libraries
 * cost a millisecond each.
 */
const Row = memo(function Row({ workspace: w, index, picked, busy, last, acts }: RowProps) {
  const name = plain(w.name, 64);
  const template = plain(w.template_display_name || w.template_name, 64);
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className={cx(
        columns,
        "relative h-full",
        picked ? "bg-accent-soft" : "hover:bg-hover",
        !last && "border-line border-b",
      )}
    >
      <div role="cell" className="relative z-10 flex">
        <input
          type="checkbox"
          aria-label={words.select(name)}
          checked={picked}
          onChange={(event) => acts.pick(w.id, event.target.checked)}
          className={box}
        />
      </div>
      <div role="cell" className="flex min-w-0 items-center gap-3">
        <Icon name={template} src={ownImage(w.template_icon)} />
        <div className="min-w-0">
          <div className="flex items-center gap-2">
            <a
              href={`${basePath}/@${w.owner_name}/${w.name}`}
              onClick={(event) => acts.open(event, w)}
              onPointerEnter={() => acts.rest(w)}
              onPointerLeave={() => acts.rest(undefined)}
              onFocus={() => acts.preload(w)}
              className="truncate rounded-sm font-medium after:absolute after:inset-0"
            >
              {name}
            </a>
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
        {busy ? null : <Switch workspace={w} name={name} acts={acts} />}
      </div>
    </div>
  );
});

/** Icon is the picture of the template, or its first letter. */
function Icon({ name, src }: { name: string; src: string | undefined }) {
  const [broken, setBroken] = useState(false);
  if (src && !broken)
    return (
      <img
        src={src}
        alt=""
        width={28}
        height={28}
        onError={() => setBroken(true)}
        className="size-7 rounded-md object-contain max-sm:hidden"
      />
    );
  return (
    <span
      aria-hidden
      className="inline-flex size-7 shrink-0 select-none items-center justify-center rounded-md border border-line bg-accent-soft font-semibold text-accent text-sm uppercase max-sm:hidden"
    >
      {[...name.trim()][0] ?? "?"}
    </span>
  );
}

/** Switch starts or stops, whichever can be done. */
function Switch({ workspace, name, acts }: { workspace: Workspace; name: string; acts: Acts }) {
  const status = workspace.latest_build.status;
  const on = status === "running";
  if (refusal(on ? "stop" : "start", status)) return null;
  const label = `${on ? words.stop : words.start} ${name}`;
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      onClick={() => acts.flip(workspace)}
      className="inline-flex size-8 items-center justify-center rounded-md text-muted hover:bg-hover hover:text-text"
    >
      {on ? stopIcon : startIcon}
    </button>
  );
}
