import { Slot } from "radix-ui";
import { type ComponentProps, type ElementType, useEffect } from "react";

interface Props extends ComponentProps<"div"> {
  as?: ElementType;
  enabled?: boolean;
  allowPinchZoom?: boolean;
  shards?: unknown;
}

/**
 * Takes the place of react-remove-scroll, which dialogs use: it keeps the page behind
 * from scrolling without writing a style element, so that our policy can forbid those.
 */
export function RemoveScroll({ as: As = Slot.Root, enabled = true, allowPinchZoom: _, shards: __, ...rest }: Props) {
  useEffect(() => {
    if (!enabled) return;
    const root = document.documentElement;
    const before = root.style.overflow;
    root.style.overflow = "hidden";
    return () => {
      root.style.overflow = before;
    };
  }, [enabled]);
  return <As {...rest} />;
}
