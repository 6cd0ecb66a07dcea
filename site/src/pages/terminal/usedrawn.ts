import { type RefObject, useEffect, useRef, useState } from "react";
import { useTheme } from "@/hooks/theme";
import { colours } from "./colours";
import { fontReady } from "./font";
import { type Drawn, draw, type Events } from "./screen";
import { settings, useSettings } from "./settings";

/** useDrawn draws a terminal in host once its font is there, and keeps it as the settings say. */
export function useDrawn(
  host: RefObject<HTMLDivElement | null>,
  font: string | undefined,
  label: string,
  events: Events,
): Drawn | undefined {
  const [drawn, setDrawn] = useState<Drawn>();
  const latest = useRef(events);
  latest.current = events;
  useEffect(() => {
    const element = host.current;
    if (!element || !font) return;
    let made: Drawn | undefined;
    let over = false;
    void fontReady(font, settings().fontSize).then(() => {
      if (over) return;
      made = draw(element, font, {
        typed: (text) => latest.current.typed(text),
        resized: () => latest.current.resized(),
        title: (text) => latest.current.title(text),
        copied: (text) => latest.current.copied(text),
        pasted: (text) => latest.current.pasted(text),
        search: () => latest.current.search(),
        reader: () => latest.current.reader(),
      });
      setDrawn(made);
    });
    return () => {
      over = true;
      made?.dispose();
      setDrawn(undefined);
    };
  }, [host, font]);
  useEffect(() => drawn?.term.textarea?.setAttribute("aria-label", label), [drawn, label]);
  const { fontSize, screenReader } = useSettings();
  useEffect(() => {
    if (!drawn) return;
    drawn.term.options.fontSize = fontSize;
    drawn.term.options.screenReaderMode = screenReader;
    drawn.fit();
  }, [drawn, fontSize, screenReader]);
  useColours(drawn);
  return drawn;
}

/** useColours follows the theme of the dashboard, also as another tab or the system changes it. */
function useColours(drawn: Drawn | undefined) {
  const theme = useTheme();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme is what calls for it
  useEffect(() => {
    if (!drawn) return;
    const paint = () => {
      drawn.term.options.theme = colours();
    };
    const elsewhere = (event: StorageEvent) => {
      if (event.key !== "theme") return;
      if (event.newValue) document.documentElement.dataset.theme = event.newValue;
      else delete document.documentElement.dataset.theme;
      paint();
    };
    paint();
    const system = window.matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", paint);
    window.addEventListener("storage", elsewhere);
    return () => {
      system.removeEventListener("change", paint);
      window.removeEventListener("storage", elsewhere);
    };
  }, [drawn, theme]);
}
