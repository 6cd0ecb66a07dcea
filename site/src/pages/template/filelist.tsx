import { Link } from "@tanstack/react-router";
import { File, FolderOpen } from "lucide-react";
import { type ReactNode, useMemo } from "react";
import { cx } from "@/lib/cx";
import { plain } from "@/lib/plain";
import { VirtualRows } from "@/ui/virtual";

interface Row {
  key: string;
  label: string;
  depth: number;
  /** file is its name; folders have none. */
  file?: string;
}

/** rowsOf puts the folders of sorted names between them. */
function rowsOf(names: readonly string[]): Row[] {
  const rows: Row[] = [];
  let open: string[] = [];
  for (const name of names) {
    const parts = name.split("/");
    const folders = parts.slice(0, -1);
    let same = 0;
    while (same < folders.length && folders[same] === open[same]) same++;
    for (let i = same; i < folders.length; i++) {
      rows.push({ key: `${folders.slice(0, i + 1).join("/")}/`, label: folders[i]!, depth: i });
    }
    rows.push({ key: name, label: parts.at(-1)!, depth: folders.length, file: name });
    open = folders;
  }
  return rows;
}

interface Props {
  label: string;
  names: readonly string[];
  chosen: string | undefined;
  /** mark stands at the end of a file's row. */
  mark?: (name: string) => ReactNode;
}

/** FileList are the files of a version below their folders; a link chooses one in the URL. */
export function FileList({ label, names, chosen, mark }: Props) {
  const rows = useMemo(() => rowsOf(names), [names]);
  return (
    <nav aria-label={label} className="min-w-0">
      <VirtualRows
        className="max-h-56 overflow-y-auto p-1.5 lg:max-h-[70vh]"
        count={rows.length}
        rowHeight={28}
        keyOf={(i) => rows[i]!.key}
        row={(i) => {
          const row = rows[i]!;
          const inside = (
            <>
              {row.file ? (
                <File size={14} aria-hidden className="shrink-0 text-faint" />
              ) : (
                <FolderOpen size={14} aria-hidden className="shrink-0 text-faint" />
              )}
              <span className="min-w-0 flex-1 truncate">{plain(row.label, 200)}</span>
              {row.file ? mark?.(row.file) : null}
            </>
          );
          const look = "flex h-7 items-center gap-2 rounded-md pr-2 text-sm";
          const style = { paddingLeft: 8 + Math.min(row.depth, 8) * 14 };
          if (row.file === undefined) {
            return (
              <div style={style} className={cx(look, "text-muted")}>
                {inside}
              </div>
            );
          }
          return (
            <Link
              to="."
              search={(old) => ({ ...old, file: row.file })}
              replace
              style={style}
              title={plain(row.file, 300)}
              aria-current={row.file === chosen ? "true" : undefined}
              className={cx(look, row.file === chosen ? "bg-accent-soft font-medium" : "hover:bg-hover")}
            >
              {inside}
            </Link>
          );
        }}
      />
    </nav>
  );
}
