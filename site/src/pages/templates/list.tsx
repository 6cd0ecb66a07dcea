import { Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import type { Template } from "@/api/generated";
import { Ago } from "@/components/ago";
import { cx } from "@/lib/cx";
import { plain } from "@/lib/plain";
import { Avatar } from "@/ui/bits";
import { Button, buttonClass } from "@/ui/button";
import { Badge } from "@/ui/status";
import { VirtualRows } from "@/ui/virtual";
import { words } from "./texts";

const narrow = "grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 px-3 sm:px-4";
const one = `${narrow} md:grid-cols-[minmax(0,1fr)_6rem_8rem_9.5rem]`;
const several = `${narrow} md:grid-cols-[minmax(0,1fr)_9rem_6rem_8rem_9.5rem]`;

/** List has a column of organizations where there are several. */
export function List({ rows }: { rows: Template[] }) {
  const many = new Set(rows.map((t) => t.organization_id)).size > 1;
  const columns = many ? several : one;
  return (
    <div
      role="table"
      aria-label={words.title}
      aria-rowcount={rows.length + 1}
      className="mb-4 flex min-h-0 flex-col overflow-hidden rounded-lg border border-line bg-surface"
    >
      <div role="rowgroup">
        <div
          role="row"
          aria-rowindex={1}
          className={cx(columns, "h-9 border-line border-b bg-sunken font-medium text-muted text-xs")}
        >
          <div role="columnheader">{words.name}</div>
          {many ? (
            <div role="columnheader" className="max-md:hidden">
              {words.organization}
            </div>
          ) : null}
          <div role="columnheader" className="max-md:hidden">
            {words.developers}
          </div>
          <div role="columnheader" className="max-md:hidden">
            {words.changed}
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
        rowHeight={60}
        keyOf={(i) => rows[i]!.id}
        row={(i) => <Row template={rows[i]!} index={i} many={many} columns={columns} last={i === rows.length - 1} />}
      />
    </div>
  );
}

interface RowProps {
  template: Template;
  index: number;
  many: boolean;
  columns: string;
  last: boolean;
}

function Row({ template: t, index, many, columns, last }: RowProps) {
  const name = plain(t.display_name || t.name, 64);
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className={cx(columns, "relative h-full transition-colors hover:bg-hover", !last && "border-line border-b")}
    >
      <div role="cell" className="flex min-w-0 items-center gap-3">
        <Avatar name={name} src={t.icon} square size={32} />
        <div className="min-w-0">
          <div className="flex items-center gap-2">
            <Link
              to="/templates/$organization/$template"
              params={{ organization: t.organization_name, template: t.name }}
              className="truncate rounded-sm font-medium after:absolute after:inset-0"
            >
              {name}
            </Link>
            {t.deprecated ? <Badge tone="warn">{words.deprecated}</Badge> : null}
          </div>
          <div className="truncate text-muted text-sm">
            {plain(t.description || (t.display_name ? t.name : ""), 200)}
          </div>
        </div>
      </div>
      {many ? (
        <div role="cell" className="truncate text-muted max-md:hidden">
          {plain(t.organization_display_name || t.organization_name, 64)}
        </div>
      ) : null}
      <div role="cell" className="text-muted tabular-nums max-md:hidden">
        {t.active_user_count.toLocaleString("en")}
      </div>
      <div role="cell" className="truncate text-muted max-md:hidden">
        <Ago at={t.updated_at} />
      </div>
      <div role="cell" className="relative z-10 text-right">
        <NewWorkspace template={t} name={name} />
      </div>
    </div>
  );
}

function NewWorkspace({ template: t, name }: { template: Template; name: string }) {
  const inside = (
    <>
      <Plus size={14} aria-hidden />
      <span className="max-md:sr-only">{words.newWorkspace}</span>
    </>
  );
  if (t.deprecated) {
    return (
      <Button size="sm" reason={words.deprecatedNoNew} aria-label={words.newWorkspaceOf(name)}>
        {inside}
      </Button>
    );
  }
  return (
    <Link
      to="/templates/$organization/$template/workspace"
      params={{ organization: t.organization_name, template: t.name }}
      aria-label={words.newWorkspaceOf(name)}
      className={buttonClass("plain", "sm")}
    >
      {inside}
    </Link>
  );
}
