import { ChevronLeft, ChevronRight } from "lucide-react";
import { Button } from "./button";

interface Props {
  /** page counts from 1. */
  page: number;
  size: number;
  count: number;
  onPage: (page: number) => void;
}

/** Pager goes through a list that comes in pages. A list of one page has none. */
export function Pager({ page, size, count, onPage }: Props) {
  if (count <= size && page === 1) return null;
  const first = (page - 1) * size + 1;
  const last = Math.min(page * size, count);
  const n = (value: number) => value.toLocaleString("en");
  return (
    <nav aria-label="Pages" className="flex flex-wrap items-center justify-end gap-2">
      <p className="mr-auto text-muted text-sm">
        {first <= count ? `${n(first)} – ${n(last)} of ${n(count)}` : `${n(count)} in all`}
      </p>
      <Button
        size="sm"
        icon={<ChevronLeft size={14} />}
        disabled={page <= 1}
        onClick={() => onPage(Math.min(page - 1, Math.ceil(count / size)) || 1)}
      >
        Previous
      </Button>
      <Button size="sm" disabled={last >= count} onClick={() => onPage(page + 1)}>
        Next
        <ChevronRight size={14} aria-hidden />
      </Button>
    </nav>
  );
}
