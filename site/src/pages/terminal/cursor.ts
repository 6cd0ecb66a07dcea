import "./cursor.css";
import type { Terminal } from "@xterm/xterm";

/** How long the cursor is seen, and then not, in milliseconds. */
const half = 500;

/**
 * blink lets the cursor of term blink, until the returned function is called. xterm does it
 * by an animation without an end, for which a browser makes sixty frames a second of a page
 * where nothing happens. And between a key and the next frame that is due Chromium hands no
 * message to a page: with the animation one always was, and every echo came a frame late.
 */
export function blink(host: HTMLElement, term: Terminal): () => void {
  const off = "cursor-off";
  const turn = () => {
    const focused = term.element?.classList.contains("focus") ?? false;
    host.classList.toggle(off, focused && !host.classList.contains(off));
  };
  let timer = setInterval(turn, half);
  // What was just drawn shows its cursor. This runs within the frame that draws.
  const drawn = term.onRender(() => {
    clearInterval(timer);
    timer = setInterval(turn, half);
    host.classList.remove(off);
  });
  return () => {
    clearInterval(timer);
    drawn.dispose();
  };
}
