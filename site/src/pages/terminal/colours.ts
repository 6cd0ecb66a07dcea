import type { ITheme } from "@xterm/xterm";

/** The sixteen colours that programs name, for each background. */
const light = {
  black: "#24292e",
  red: "#b3261e",
  green: "#1a7441",
  yellow: "#8a5200",
  blue: "#1f5fb8",
  magenta: "#8a3fa0",
  cyan: "#0f6f7c",
  white: "#6a716d",
  brightBlack: "#59605c",
  brightRed: "#c9352c",
  brightGreen: "#1d8a4c",
  brightYellow: "#9c6200",
  brightBlue: "#2f74d0",
  brightMagenta: "#a04fb8",
  brightCyan: "#128594",
  brightWhite: "#191c1a",
};
const dark = {
  black: "#3c4541",
  red: "#f58d85",
  green: "#5fce8c",
  yellow: "#e2b05c",
  blue: "#7db3f5",
  magenta: "#d6a0e8",
  cyan: "#6fcbd6",
  white: "#c9cdca",
  brightBlack: "#89928d",
  brightRed: "#ffa79f",
  brightGreen: "#82e0a8",
  brightYellow: "#f0c67e",
  brightBlue: "#a2caff",
  brightMagenta: "#e6bdf4",
  brightCyan: "#93dfe8",
  brightWhite: "#ffffff",
};

/** colours are those of the dashboard, as it looks now. */
export function colours(): ITheme {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(name).trim();
  const text = of("--c-text");
  const accent = of("--c-accent");
  return {
    ...(style.colorScheme === "dark" ? dark : light),
    background: of("--c-surface"),
    foreground: text,
    cursor: accent,
    cursorAccent: of("--c-surface"),
    selectionBackground: style.colorScheme === "dark" ? "#2d5145" : "#b9dfd1",
  };
}

/** What the search marks. */
export const marks = () => {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark";
  return {
    matchBackground: dark ? "#5a4516" : "#f6dfae",
    activeMatchBackground: dark ? "#8a6a1e" : "#eebd55",
    matchOverviewRuler: "#8a6a1e",
    activeMatchColorOverviewRuler: "#e2b05c",
  };
};
