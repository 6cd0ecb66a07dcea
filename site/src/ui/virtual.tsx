import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, type RefObject, useEffect, useRef } from "react";

interface Props {
  count: number;
  rowHeight: number;
  row: (index: number) => ReactNode;
  keyOf: (index: number) => string | number;
  scroller: RefObject<HTMLElement | null>;
  /** measure lets rows have heights of their own. */
  measure?: boolean;
  /** toEnd keeps the last row in sight as rows come, once it is. */
  toEnd?: boolean;
  overscan?: number;
}

/** VirtualRows renders the rows that can be seen of a list that may be very long. */
export function VirtualRows({ count, rowHeight, row, keyOf, scroller, measure, toEnd, overscan = 12 }: Props) {
  const list = useVirtualizer({
    count,
    estimateSize: () => rowHeight,
    getScrollElement: () => scroller.current,
    getItemKey: keyOf,
    overscan,
    initialRect: { width: 800, height: 600 },
  });
  const atEnd = useRef(true);
  useEffect(() => {
    const element = scroller.current;
    if (!element || !toEnd) return;
    const moved = () => {
      atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < rowHeight * 2;
    };
    element.addEventListener("scroll", moved, { passive: true });
    return () => element.removeEventListener("scroll", moved);
  }, [scroller, toEnd, rowHeight]);
  useEffect(() => {
    if (toEnd && atEnd.current && count > 0) list.scrollToIndex(count - 1, { align: "end" });
  }, [count, toEnd, list]);
  return (
    <div role="presentation" style={{ height: list.getTotalSize() }} className="relative w-full">
      {list.getVirtualItems().map((item) => (
        <div
          key={item.key}
          role="presentation"
          data-index={item.index}
          ref={measure ? list.measureElement : undefined}
          style={{ transform: `translateY(${item.start}px)`, ...(measure ? {} : { height: rowHeight }) }}
          className="absolute top-0 left-0 w-full"
        >
          {row(item.index)}
        </div>
      ))}
    </div>
  );
}
