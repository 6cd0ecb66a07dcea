import { useVirtualizer } from "@tanstack/react-virtual";
import { type ComponentProps, type ReactNode, type RefObject, useEffect, useLayoutEffect, useRef } from "react";

interface Props extends Omit<ComponentProps<"div">, "ref"> {
  count: number;
  rowHeight: number;
  row: (index: number) => ReactNode;
  keyOf: (index: number) => string | number;
  /** scroller gives the caller the element that scrolls. */
  scroller?: RefObject<HTMLDivElement | null>;
  /** measure lets rows have heights of their own. */
  measure?: boolean;
  /** toEnd keeps the last row in sight as rows come, once it is. */
  toEnd?: boolean;
  overscan?: number;
}

/**
 * VirtualRows is an element that scrolls, with the rows that can be seen of a list that
 * may be very long. Other properties are those of the element; children stand above.
 */
export function VirtualRows({
  count,
  rowHeight,
  row,
  keyOf,
  scroller: given,
  measure,
  toEnd,
  overscan = 12,
  children,
  ...rest
}: Props) {
  const own = useRef<HTMLDivElement>(null);
  const scroller = given ?? own;
  const list = useVirtualizer({
    count,
    estimateSize: () => rowHeight,
    getScrollElement: () => scroller.current,
    getItemKey: keyOf,
    overscan,
    // Rows of one height follow in the next frame: drawing them inside the scroll event makes long frames.
    useFlushSync: Boolean(measure),
    initialRect: { width: 800, height: 600 },
  });
  const atEnd = useRef(true);
  useEffect(() => {
    const element = scroller.current;
    if (!element || !toEnd) return;
    // Rows that come or are measured move the end away as well: only a hand leaves it.
    let hand = 0;
    const touched = () => {
      hand = Date.now();
    };
    const moved = () => {
      if (element.scrollHeight - element.scrollTop - element.clientHeight < rowHeight * 2) atEnd.current = true;
      else if (Date.now() - hand < 1000) atEnd.current = false;
      // The list corrects its place as it measures rows, from where it last knew it.
      else if (atEnd.current) element.scrollTop = element.scrollHeight;
    };
    const ways = ["wheel", "touchmove", "keydown", "pointerdown"] as const;
    element.addEventListener("scroll", moved, { passive: true });
    for (const way of ways) element.addEventListener(way, touched, { passive: true });
    return () => {
      element.removeEventListener("scroll", moved);
      for (const way of ways) element.removeEventListener(way, touched);
    };
  }, [scroller, toEnd, rowHeight]);
  const height = list.getTotalSize();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new height is what calls for it
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element && toEnd && atEnd.current) element.scrollTop = element.scrollHeight;
  }, [height, toEnd, scroller]);
  return (
    <div ref={scroller} {...rest}>
      {children}
      <div role="presentation" style={{ height }} className="relative w-full">
        {list.getVirtualItems().map((item) => (
          <div
            key={item.key}
            role="presentation"
            data-index={item.index}
            ref={measure ? list.measureElement : undefined}
            style={{ transform: `translateY(${item.start}px)`, ...(measure ? {} : { height: rowHeight }) }}
            className={measure ? "absolute top-0 left-0 w-full" : "absolute top-0 left-0 w-full [contain:strict]"}
          >
            {row(item.index)}
          </div>
        ))}
      </div>
    </div>
  );
}
