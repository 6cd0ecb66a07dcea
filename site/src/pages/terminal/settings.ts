import { useSyncExternalStore } from "react";

/** Settings are those of this browser. */
export interface Settings {
  copyOnSelect: boolean;
  /** clipboard lets programs write to the clipboard (OSC 52); they never read it. */
  clipboard: boolean;
  screenReader: boolean;
  fontSize: number;
}

const usual: Settings = { copyOnSelect: false, clipboard: false, screenReader: false, fontSize: 14 };
export const fontSizes = { least: 8, most: 32 };
const place = "terminal";
const listeners = new Set<() => void>();
let now = read();

function read(): Settings {
  try {
    const kept = JSON.parse(localStorage.getItem(place) ?? "{}") as Partial<Record<keyof Settings, unknown>>;
    const size = Number(kept.fontSize);
    return {
      copyOnSelect: kept.copyOnSelect === true,
      clipboard: kept.clipboard === true,
      screenReader: kept.screenReader === true,
      fontSize: size >= fontSizes.least && size <= fontSizes.most ? size : usual.fontSize,
    };
  } catch {
    return usual;
  }
}

/** change keeps settings; other tabs have them when they load. */
export function change(some: Partial<Settings>) {
  now = { ...now, ...some };
  now.fontSize = Math.min(fontSizes.most, Math.max(fontSizes.least, now.fontSize));
  try {
    localStorage.setItem(place, JSON.stringify(now));
  } catch {
    // They last as long as the page then.
  }
  for (const listener of listeners) listener();
}

export const settings = () => now;

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

export const useSettings = () => useSyncExternalStore(subscribe, settings);
