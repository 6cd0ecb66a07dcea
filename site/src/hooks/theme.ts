import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";

const listeners = new Set<() => void>();

function current(): Theme {
  const set = document.documentElement.dataset.theme;
  return set === "light" || set === "dark" ? set : "system";
}

function show(theme: Theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const listener of listeners) listener();
}

function keep(key: string, theme: Theme | undefined) {
  try {
    if (theme) localStorage.setItem(key, theme);
    else localStorage.removeItem(key);
  } catch {
    // It lasts as long as the page then.
  }
}

/** chosenHere is the theme that was chosen for this browser alone, if one was. */
export function chosenHere(): Theme | undefined {
  try {
    const theme = localStorage.getItem("theme");
    return theme === "system" || theme === "light" || theme === "dark" ? theme : undefined;
  } catch {
    return undefined;
  }
}

/** setTheme chooses for this browser; public/theme.js reads it at the next load. */
export function setTheme(theme: Theme) {
  keep("theme", theme);
  show(theme);
}

/** followAccount shows the theme of the account, unless this browser has a choice of its own. */
export function followAccount(theme: Theme) {
  keep("account-theme", theme);
  if (!chosenHere()) show(theme);
}

/** forgetChoice gives up what was chosen for this browser. */
export function forgetChoice() {
  keep("theme", undefined);
  for (const listener of listeners) listener();
}

/** accountTheme reads how the API names a theme; there are more there than here. */
export function accountTheme(preference: string): Theme {
  if (preference.startsWith("light")) return "light";
  return preference.startsWith("dark") ? "dark" : "system";
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, current);
}

/** useChosenHere is chosenHere, followed. */
export function useChosenHere(): Theme | undefined {
  return useSyncExternalStore(subscribe, chosenHere);
}
