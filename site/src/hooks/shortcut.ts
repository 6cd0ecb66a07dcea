import { useEffect, useRef } from "react";

function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName))
  );
}

/** useShortcut calls run when key is pressed outside of fields; "mod+k" works inside them too. */
export function useShortcut(key: string, run: () => void) {
  const latest = useRef(run);
  latest.current = run;
  useEffect(() => {
    const mod = key.startsWith("mod+");
    const plain = mod ? key.slice(4) : key;
    const pressed = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== plain || event.altKey || event.defaultPrevented || event.repeat) return;
      if (mod !== (event.ctrlKey || event.metaKey)) return;
      // The editor stands in a shadow root: the target of the event is its host.
      if (!mod && (typing(event.composedPath()[0] ?? null) || document.querySelector('[role="dialog"]'))) return;
      event.preventDefault();
      latest.current();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [key]);
}
