import { useEffect, useRef, useState } from "react";
import { draftOf, type Files, restored } from "./model";

// What is not built yet stands in the tab's sessionStorage: one draft for a template,
// with the version that it changes. A reload of the page finds it there.

const keyOf = (template: string) => `template-draft:${template}`;

export function readDraft(template: string, version: string, base: Files): Files {
  try {
    const held = sessionStorage.getItem(keyOf(template));
    const cut = held?.indexOf("\n") ?? -1;
    if (!held || held.slice(0, cut) !== version) return base;
    return restored(base, held.slice(cut + 1));
  } catch {
    return base;
  }
}

/** write keeps a draft and says whether that was possible. */
function write(template: string, version: string, base: Files, files: Files): boolean {
  try {
    const text = draftOf(base, files);
    if (text === "{}" || text === undefined) {
      // The draft of another version stays where this one has none.
      if (text === undefined || sessionStorage.getItem(keyOf(template))?.startsWith(`${version}\n`)) {
        sessionStorage.removeItem(keyOf(template));
      }
      return text !== undefined;
    }
    sessionStorage.setItem(keyOf(template), `${version}\n${text}`);
    return true;
  } catch {
    return false;
  }
}

/** useDraft keeps what is not built, a moment after the last key. It returns whether that is possible. */
export function useDraft(template: string, version: string, base: Files, files: Files): boolean {
  const [kept, setKept] = useState(true);
  const latest = useRef(() => {});
  latest.current = () => setKept(write(template, version, base, files));
  // biome-ignore lint/correctness/useExhaustiveDependencies: each change is written, by the latest writer
  useEffect(() => {
    const timer = setTimeout(() => latest.current(), 250);
    return () => clearTimeout(timer);
  }, [template, version, base, files]);
  useEffect(() => {
    const now = () => latest.current();
    window.addEventListener("pagehide", now);
    return () => {
      window.removeEventListener("pagehide", now);
      now();
    };
  }, []);
  return kept;
}
