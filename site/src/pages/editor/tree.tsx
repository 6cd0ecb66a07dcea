import { ChevronRight, Ellipsis, FilePlus2, Pencil, Trash2 } from "lucide-react";
import { useMemo, useState } from "react";
import { cx } from "@/lib/cx";
import { plain } from "@/lib/plain";
import { IconButton } from "@/ui/button";
import { Menu, MenuItem } from "@/ui/menu";
import { type Files, type Node, treeOf } from "./model";
import { words } from "./texts";

export type Act = { kind: "new"; path: string } | { kind: "rename" | "remove"; path: string };

interface Props {
  files: Files;
  changed: ReadonlySet<string>;
  open: string | undefined;
  onOpen: (path: string) => void;
  onAct: (act: Act) => void;
}

/** Tree are the files of the template, in their folders. */
export function Tree({ files, changed, open, onOpen, onAct }: Props) {
  const nodes = useMemo(() => treeOf(files.keys()), [files]);
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const toggle = (path: string) => {
    const next = new Set(closed);
    if (!next.delete(path)) next.add(path);
    setClosed(next);
  };
  const shared = { changed, open, onOpen, onAct, closed, toggle };
  return (
    <nav aria-label={words.files} className="flex min-h-0 min-w-0 flex-1 flex-col">
      <div className="flex h-9 shrink-0 items-center justify-between border-line border-b pr-1 pl-3">
        <h2 className="font-medium text-muted text-sm">{words.files}</h2>
        <IconButton small label={words.newFile} onClick={() => onAct({ kind: "new", path: "" })}>
          <FilePlus2 size={15} />
        </IconButton>
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto py-1">
        {nodes.length === 0 ? <p className="px-3 py-2 text-muted text-sm">{words.empty}</p> : null}
        <Nodes nodes={nodes} depth={0} {...shared} />
      </div>
    </nav>
  );
}

interface Shared extends Pick<Props, "changed" | "open" | "onOpen" | "onAct"> {
  closed: ReadonlySet<string>;
  toggle: (path: string) => void;
}

function Nodes({ nodes, depth, ...shared }: Shared & { nodes: readonly Node[]; depth: number }) {
  return (
    <ul>
      {nodes.map((node) => (
        <li key={node.path}>
          <Row node={node} depth={depth} {...shared} />
          {node.children && !shared.closed.has(node.path) ? (
            <Nodes nodes={node.children} depth={depth + 1} {...shared} />
          ) : null}
        </li>
      ))}
    </ul>
  );
}

function Row({ node, depth, changed, open, onOpen, onAct, closed, toggle }: Shared & { node: Node; depth: number }) {
  const name = plain(node.name, 200);
  const path = plain(node.path, 200);
  const current = node.path === open;
  const dirty = !node.children && changed.has(node.path);
  return (
    <div
      className={cx("group flex items-center pr-1 hover:bg-hover", current && "bg-accent-soft hover:bg-accent-soft")}
    >
      <button
        type="button"
        aria-current={current || undefined}
        aria-expanded={node.children ? !closed.has(node.path) : undefined}
        onClick={() => (node.children ? toggle(node.path) : onOpen(node.path))}
        style={{ paddingLeft: 10 + Math.min(depth, 12) * 12 }}
        className="flex h-7 min-w-0 flex-1 items-center gap-1.5 text-left outline-offset-[-2px] max-lg:h-9"
      >
        <ChevronRight
          size={13}
          aria-hidden
          className={cx(
            "shrink-0 text-faint transition-transform",
            node.children ? (closed.has(node.path) ? "" : "rotate-90") : "invisible",
          )}
        />
        <span className={cx("truncate text-sm", current && "font-medium")}>{name}</span>
        {dirty ? (
          <>
            <span aria-hidden className="size-1.5 shrink-0 rounded-full bg-warn" title={words.unsaved} />
            <span className="sr-only">({words.unsaved})</span>
          </>
        ) : null}
      </button>
      <Menu
        trigger={
          <button
            type="button"
            aria-label={words.actions(path)}
            className="inline-flex size-6 items-center justify-center rounded-md text-muted opacity-0 hover:text-text focus-visible:opacity-100 group-hover:opacity-100 data-[state=open]:opacity-100 max-lg:opacity-100"
          >
            <Ellipsis size={14} aria-hidden />
          </button>
        }
      >
        {node.children ? (
          <MenuItem icon={<FilePlus2 size={15} />} onSelect={() => onAct({ kind: "new", path: `${node.path}/` })}>
            {words.newFile}
          </MenuItem>
        ) : null}
        <MenuItem icon={<Pencil size={15} />} onSelect={() => onAct({ kind: "rename", path: node.path })}>
          {words.rename}
        </MenuItem>
        <MenuItem danger icon={<Trash2 size={15} />} onSelect={() => onAct({ kind: "remove", path: node.path })}>
          {words.remove}
        </MenuItem>
      </Menu>
    </div>
  );
}
