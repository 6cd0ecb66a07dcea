import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { answer, upgrade } from "../mock/mock";
import { seed } from "../mock/seed";
import type { Store } from "../mock/store";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const dist = here("../dist");
const kinds: Record<string, string> = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/** The policy that the server sends, read from there, so that the pages are tried under it. */
const policy = [...readFileSync(here("../policy.go"), "utf8").matchAll(/^const dashboardCSP = ((?:.|\n)*?)\n\n/gm)]
  .flatMap((m) => [...m[1]!.matchAll(/"([^"]*)"/g)].map((part) => part[1]))
  .join("");

/** As site/terminal.go has it. */
const terminalPolicy = policy.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'");

/** Served is the built dashboard with a mock of its own behind it. */
export interface Served {
  url: string;
  store: Store;
  /** away drops all connections and takes no more, until it is called with false. */
  away: (gone: boolean) => void;
  close: () => Promise<void>;
}

export async function serve(store: Store = seed()): Promise<Served> {
  let gone = false;
  const sockets = new Set<import("node:net").Socket>();
  const server: Server = createServer((req, res) => {
    const path = new URL(req.url ?? "/", "http://x").pathname;
    if (/^\/(api|external-auth)\//.test(path)) return void answer(store, req, res);
    const file = /^\/(assets\/[\w.-]+|theme\.js|icon\.svg|open-in-coder\.svg)$/.exec(path)?.[1];
    const terminal = /^\/@[^/]+\/[^/]+\/terminal$/.test(path);
    res.setHeader("Content-Security-Policy", terminal ? terminalPolicy : policy);
    try {
      const body = readFileSync(join(dist, file ?? (terminal ? "terminal.html" : "index.html")));
      res.setHeader(
        "Content-Type",
        file ? (kinds[extname(file)] ?? "application/octet-stream") : "text/html; charset=utf-8",
      );
      res.end(terminal ? body.toString().replace('content="canvas"', `content="${store.renderer}"`) : body);
    } catch {
      res.writeHead(404).end();
    }
  });
  server.on("connection", (socket) => {
    if (gone) socket.destroy();
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("upgrade", (req, socket, head) => upgrade(store, req, socket, head));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    store,
    away: (now) => {
      gone = now;
      if (now) for (const socket of sockets) socket.destroy();
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

let browser: Browser;

/** launch is how Debian's Chromium starts, quietly. */
export const launch = {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

/** withBrowser starts Debian's Chromium for the tests of a file. */
export function withBrowser() {
  beforeAll(async () => {
    browser = await chromium.launch(launch);
  });
  afterAll(() => browser?.close());
}

export interface Visit extends Served {
  page: Page;
  context: BrowserContext;
  /** Errors that the page has had: exceptions, refusals of the policy, lost requests. */
  problems: string[];
}

interface Options {
  store?: Store;
  /** as signs this person in before. */
  as?: string;
  theme?: "light" | "dark";
  width?: number;
}

/** visit serves the dashboard, opens a page of it, and fails the test on errors of the page. */
export async function visit(path: string, options: Options, test: (v: Visit) => Promise<void>) {
  const served = await serve(options.store);
  const context = await newContext(served, options);
  const page = await context.newPage();
  const problems: string[] = [];
  watch(page, problems);
  try {
    await page.goto(served.url + path);
    await test({ ...served, page, context, problems });
    expect(problems).toEqual([]);
  } catch (error) {
    await shoot(page, `failed-${Date.now()}`).catch(() => {});
    throw error;
  } finally {
    await context.close();
    await served.close();
  }
}

export async function newContext(
  served: Served,
  { as, theme = "light", width = 1280 }: Options,
): Promise<BrowserContext> {
  const context = await browser.newContext({
    colorScheme: theme,
    viewport: { width, height: 800 },
    reducedMotion: "reduce",
    locale: "en-GB",
  });
  context.setDefaultTimeout(20_000);
  if (as) {
    const user = served.store.users.find((u) => u.username === as);
    served.store.sessions.set(`session-${as}`, user!.id);
    await context.addCookies([{ name: "coder_session_token", value: `session-${as}`, url: served.url }]);
  }
  return context;
}

/** watch collects the errors of a page. */
export function watch(page: Page, problems: string[]) {
  page.on("pageerror", (error) => problems.push(`exception: ${error.message}`));
  page.on("console", (message) => {
    // An answer of 4xx is for the page to show; Chromium notes it as well.
    if (message.type() === "error" && !/status of 4\d\d|status of 500|WebSocket connection|ERR_/.test(message.text())) {
      problems.push(`console: ${message.text()}`);
    }
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (!/^127\.|\.apps\.test$/.test(url.hostname) && url.protocol !== "data:")
      problems.push(`request to a stranger: ${request.url()}`);
  });
}

/**
 * settle waits until a change of colours is over. It comes step by step: what inherits a
 * colour begins to change when its parent has ended. Three frames without anything that
 * changes are the end.
 */
export async function settle(page: Page) {
  await page.evaluate(`(async () => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    for (let still = 0; still < 3; ) {
      await frame();
      const running = document.getAnimations().filter((a) => a.effect?.getComputedTiming().iterations !== Infinity);
      still = running.length === 0 ? still + 1 : 0;
      await Promise.allSettled(running.map((a) => a.finished));
    }
  })()`);
}

/** shoot saves a picture for people to look at. */
export async function shoot(page: Page, name: string) {
  await mkdir(here("shots"), { recursive: true });
  await page.screenshot({ path: here(`shots/${name}.png`) });
}

const axe = readFileSync(here("../node_modules/axe-core/axe.min.js"), "utf8");

/** accessible fails on what keeps people out: findings of axe that are serious or worse. */
export async function accessible(page: Page, where: string) {
  // Through the debugger's door: the policy of the page lets no script in.
  const found = await page.evaluate(`${axe}; axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations
    .filter((v) => v.impact === "serious" || v.impact === "critical")
    .map((v) => v.id + ": " + v.nodes.map((n) => n.target.join(" ") + " " + (n.any[0]?.message ?? "")).join(" | ")))`);
  expect(found, where).toEqual([]);
}

/** inside fails when the page is wider than the window. */
export async function inside(page: Page, where: string) {
  const over = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
  expect(over, `${where} is wider than the window`).toBeLessThanOrEqual(0);
}
