import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { Terminal as XTerm } from "@xterm/xterm";
import { isWeb, safeLink } from "@/lib/link";
import { plain } from "@/lib/plain";
import { colours } from "./colours";
import { blink } from "./cursor";
import { settings } from "./settings";

/** The longest text that a program may put on the clipboard, in characters. */
const mostCopied = 1 << 20;

export interface Events {
  typed: (text: string) => void;
  resized: () => void;
  title: (text: string) => void;
  /** copied is what a program wants on the clipboard. */
  copied: (text: string) => void;
  /** pasted is text of several lines that would run as it comes. */
  pasted: (text: string) => void;
  search: () => void;
  reader: () => void;
}

/** Drawn is a terminal on the page. */
export interface Drawn {
  term: XTerm;
  search: SearchAddon;
  fit: () => void;
  dispose: () => void;
}

const renderer = () => document.querySelector<HTMLMetaElement>('meta[name="terminal-renderer"]')?.content ?? "canvas";

/** How long the window rests before the program hears of its new size, in milliseconds. */
const rest = 80;

/** draw makes a terminal inside host. */
export function draw(host: HTMLElement, font: string, events: Events): Drawn {
  const { fontSize, screenReader } = settings();
  const term = new XTerm({
    allowProposedApi: true, // unicode and the marks of the search need it
    fontFamily: font,
    fontSize,
    lineHeight: 1.15,
    scrollback: 10_000,
    cursorBlink: !window.matchMedia("(prefers-reduced-motion: reduce)").matches,
    minimumContrastRatio: 4.5,
    macOptionIsMeta: true,
    rightClickSelectsWord: false,
    screenReaderMode: screenReader,
    theme: colours(),
    linkHandler: { activate: (_, uri) => follow(uri) }, // those that a program names (OSC 8)
  });
  const fit = new FitAddon();
  const search = new SearchAddon();
  term.loadAddon(fit);
  term.loadAddon(search);
  term.loadAddon(new Unicode11Addon());
  term.unicode.activeVersion = "11";
  term.loadAddon(new WebLinksAddon((_, uri) => follow(uri)));
  term.open(host);
  fit.fit();
  if (wantsCard()) void withCard(term);
  hear(term, events);
  const leave = followSize(host, fit);
  const still = blink(host, term);
  const paste = (event: ClipboardEvent) => {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!lines(text) || term.modes.bracketedPasteMode) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    events.pasted(text);
  };
  host.addEventListener("paste", paste, { capture: true });
  return {
    term,
    search,
    fit: () => fit.fit(),
    dispose: () => {
      host.removeEventListener("paste", paste, { capture: true });
      leave();
      still();
      term.dispose();
    },
  };
}

/** lines says that text has more than one line: it would run before anybody has seen it. */
export const lines = (text: string) => /[\r\n]/.test(text.replace(/\r?\n$/, "")) || /[\r\n]$/.test(text);

/**
 * wantsCard says whether the graphics card draws: where the deployment says webgl, and
 * where it says canvas and there is a card. A pretended one is slower than text.
 */
function wantsCard(): boolean {
  const wanted = renderer();
  if (wanted !== "canvas") return wanted === "webgl";
  const gl = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  // The usual name is the same everywhere in Chromium; the extension has the true one.
  const named = gl?.getExtension("WEBGL_debug_renderer_info");
  const name = String(gl?.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : gl.RENDERER) ?? "");
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return gl !== null && !/swiftshader|llvmpipe|software|basic render/i.test(name);
}

async function withCard(term: XTerm) {
  try {
    const { WebglAddon } = await import("@xterm/addon-webgl");
    const addon = new WebglAddon();
    addon.onContextLoss(() => addon.dispose()); // the text of the browser takes its place
    term.loadAddon(addon);
  } catch {
    // The text of the browser does as well.
  }
}

function hear(term: XTerm, events: Events) {
  term.onData(events.typed);
  term.onBinary(events.typed);
  term.onResize(events.resized);
  term.onTitleChange((title) => events.title(plain(title, 120).trim()));
  term.onSelectionChange(() => {
    if (settings().copyOnSelect && term.hasSelection()) void copy(term.getSelection());
  });
  // "c;<base64>" writes the clipboard; "?" in place of the text would read it, which is never answered.
  term.parser.registerOscHandler(52, (data) => {
    const text = readOsc52(data);
    if (text) events.copied(text);
    return true;
  });
  term.attachCustomKeyEventHandler((event) => {
    const key = event.key.toLowerCase();
    const both = (event.ctrlKey || event.metaKey) && event.shiftKey && !event.altKey;
    if (event.altKey && event.key === "F1") return act(event, events.reader);
    if (both && key === "f") return act(event, events.search);
    if (both && key === "c") return act(event, () => void (term.hasSelection() && copy(term.getSelection())));
    if (both && key === "v") return false; // the browser pastes
    return true;
  });
}

function act(event: KeyboardEvent, run: () => void): false {
  event.preventDefault();
  if (event.type === "keydown") run();
  return false;
}

/** readOsc52 is the text of a request to copy; "" for any other. */
export function readOsc52(data: string): string {
  const base64 = data.slice(data.indexOf(";") + 1);
  if (!data.includes(";") || base64.length > mostCopied * 1.4 || !/^[A-Za-z0-9+/]*=*$/.test(base64)) return "";
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)));
  } catch {
    return "";
  }
}

/** copy puts text on the clipboard; false where the browser does not let us. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** follow opens a link of the web in a page that knows nothing of this one. */
function follow(uri: string) {
  const link = safeLink(uri);
  if (link && isWeb(link)) window.open(link, "_blank", "noopener,noreferrer");
}

function followSize(host: HTMLElement, fit: FitAddon) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const observer = new ResizeObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(() => fit.fit(), rest);
  });
  observer.observe(host);
  return () => {
    clearTimeout(timer);
    observer.disconnect();
  };
}
