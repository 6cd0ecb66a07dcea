// Measures the dashboard of a server that runs, in headless Chromium, and prints one
// JSON line a figure: {"figure","unit","values","reference"}. scripts/bench starts it and adds goals.
//
//   CODER_SESSION_TOKEN=… node site/bench/site.mjs URL OWNER/WORKSPACE ROUNDS [loads,scroll,cat,echo]
import { chromium } from "playwright-core";
import { WebSocket } from "ws";

const [url, workspace, rounds] = [process.argv[2], process.argv[3], Number(process.argv[4] ?? 5)];
const token = process.env.CODER_SESSION_TOKEN;
if (!url || !workspace || !token) throw new Error("usage: CODER_SESSION_TOKEN=… node site.mjs URL OWNER/WORKSPACE ROUNDS");

const print = (figure, unit, values, reference) => console.log(JSON.stringify({ figure, unit, values, reference }));
const times = async (n, run) => {
  const values = [];
  for (let i = 0; i < n; i++) values.push(await run(i));
  return values;
};

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"],
});

/** fresh is a page of a browser that has fetched nothing yet. */
async function fresh(signedIn) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  context.setDefaultTimeout(60_000);
  if (signedIn) await context.addCookies([{ name: "coder_session_token", value: token, url }]);
  return { context, page: await context.newPage() };
}

/**
 * load opens path until the element of selector is there for the pointer in two frames, and
 * returns the seconds from the call on, and the bytes on the wire. The page itself looks in
 * each of its frames: from outside, playwright looks after 20, 100 and then every 500 ms.
 */
async function load(path, signedIn, selector) {
  const { context, page } = await fresh(signedIn);
  await page.addInitScript((wanted) => {
    window.seen_ = new Promise((done) => {
      let before = "";
      const look = () => {
        const element = document.querySelector(wanted);
        const box = element?.getBoundingClientRect();
        const [x, y] = box ? [box.x + box.width / 2, box.y + box.height / 2] : [0, 0];
        const now = element && element.contains(document.elementFromPoint(x, y)) ? `${x} ${y}` : "";
        if (now && now === before) done(performance.timeOrigin + performance.now());
        else requestAnimationFrame(look);
        before = now;
      };
      requestAnimationFrame(look);
    });
  }, selector);
  const wire = await context.newCDPSession(page);
  await wire.send("Network.enable");
  let bytes = 0;
  const assets = new Set();
  wire.on("Network.responseReceived", (e) => e.response.url.includes("/assets/") && assets.add(e.requestId));
  wire.on("Network.loadingFinished", (e) => assets.has(e.requestId) && (bytes += e.encodedDataLength));
  // gzip, as the budget says it; browsers take brotli, which is smaller.
  await context.setExtraHTTPHeaders({ "Accept-Encoding": "gzip" });
  const start = performance.timeOrigin + performance.now();
  await page.goto(url + path, { waitUntil: "commit" });
  const seconds = ((await page.evaluate("seen_")) - start) / 1000;
  await page.waitForLoadState("networkidle");
  await context.close();
  return { seconds, bytes };
}

/** Answers of pages that can be used: a field that takes text, a row that is there. */
const pages = [
  ["login", "/login", false, "input[type=password]"],
  ["workspaces", "/workspaces", true, `[role=row] a[href$="/@${workspace}"]`],
];

async function loads() {
  for (const [name, path, signedIn, selector] of pages) {
    await load(path, signedIn, selector); // the server is warm
    const all = await times(rounds, () => load(path, signedIn, selector));
    print(`site ${name} first load, gzip`, "KB", all.map((l) => l.bytes / 1024));
    print(`site ${name} until it can be used`, "s", all.map((l) => l.seconds));
  }
}

/** watchFrames is run in the page: frames() is the longest one since the last call, in ms. */
function watchFrames() {
  let last = performance.now();
  let longest = 0;
  const tick = (now) => {
    longest = Math.max(longest, now - last);
    last = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  window.frames_ = () => {
    const was = longest;
    longest = 0;
    last = performance.now();
    return was;
  };
}

/** scroll turns the wheel over a thousand rows, which are one workspace with many names. */
async function scroll() {
  const { context, page } = await fresh(true);
  await page.route(/\/api\/v2\/workspaces\?/, async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    const [one] = body.workspaces;
    const many = Array.from({ length: 1000 }, (_, i) => {
      const name = `workspace-${String(i).padStart(4, "0")}`;
      return { ...one, id: `${one.id.slice(0, 30)}${String(i).padStart(6, "0")}`, name, outdated: i % 3 === 0 };
    });
    await route.fulfill({ response, json: { ...body, workspaces: many, count: 1000 } });
  });
  await page.goto(`${url}/workspaces`);
  await page.getByRole("row", { name: "workspace-0003" }).hover();
  await page.evaluate(watchFrames);
  const values = await times(rounds, async (round) => {
    await page.waitForTimeout(500);
    await page.evaluate("frames_()");
    for (let i = 0; i < 60; i++) {
      await page.mouse.wheel(0, round % 2 ? -700 : 700);
      await page.evaluate("new Promise(requestAnimationFrame)");
    }
    return await page.evaluate("frames_()");
  });
  await context.close();
  print("site 1,000 rows scrolled, longest frame", "ms", values);
}

/** open opens a terminal with a command, which the tab was told to run, until it says that it is ready. */
async function open(command, script = () => {}) {
  const { context, page } = await fresh(true);
  await page.addInitScript(script);
  const id = crypto.randomUUID();
  await page.addInitScript((key) => sessionStorage.setItem(key, "1"), `terminal ${id}`);
  await page.goto(`${url}/@${workspace}/terminal?${new URLSearchParams({ reconnect: id, command })}`);
  await page.locator(".xterm-rows").getByText("ready", { exact: true }).waitFor();
  return { context, page };
}

/** cat shows 20 MB, again and again. */
async function cat() {
  const text = "the quick brown fox jumps over the lazy dog and so on and on and on";
  const { context, page } = await open(
    `stty -echo; f=$(mktemp); yes '${text}' | head -c 20000000 > $f; echo ready; while read n; do [ "$n" ] || break; cat $f; echo; echo "end $n"; done; rm $f`,
  );
  await page.evaluate(watchFrames);
  const freezes = [];
  const seconds = [];
  for (let i = 1; i <= rounds; i++) {
    await page.waitForTimeout(500);
    await page.evaluate("frames_()");
    const start = performance.now();
    await page.keyboard.type(`${i}\r`);
    await page.locator(".xterm-rows").getByText(`end ${i}`, { exact: true }).waitFor();
    seconds.push((performance.now() - start) / 1000);
    freezes.push(await page.evaluate("frames_()"));
  }
  await page.keyboard.press("Enter");
  await page.getByText("New terminal").waitFor(); // it has ended, and its file is gone
  await context.close();
  print("site terminal, 20 MB of cat, longest frame", "ms", freezes);
  print("site terminal, 20 MB of cat, until its end is seen", "s", seconds);
}

const echoing = "stty raw -echo; echo ready; exec cat";
const keys = 100;

/**
 * watchDrawing is run in the page: nextEcho_(area, drawn) is the time from the next key, as
 * the browser notes it, to the end of the frame in which drawn has changed. It asks for
 * no frame itself where the change came within one: a page that is asked for frames gets the
 * messages of its server later.
 */
function watchDrawing() {
  const { port1, port2 } = new MessageChannel();
  let inside = false;
  const waiting = [];
  port1.onmessage = () => {
    inside = false; // the first task after a frame
    for (const done of waiting.splice(0)) done(performance.now());
  };
  const ask = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (run) =>
    ask((at) => {
      if (!inside) port2.postMessage(0);
      inside = true;
      run(at);
    });
  window.nextEcho_ = (area, drawn) =>
    new Promise((done) => {
      const pressed = ({ timeStamp }) => {
        const observer = new MutationObserver(() => {
          observer.disconnect();
          waiting.push((end) => done(end - timeStamp));
          if (!inside) window.requestAnimationFrame(() => {});
        });
        observer.observe(drawn, { childList: true, subtree: true, characterData: true });
      };
      area.addEventListener("keydown", pressed, { once: true, capture: true });
    });
}

/** echo is from a key to the frame that shows it; beside it the same bytes without a page. */
async function echo() {
  const { context, page } = await open(echoing, watchDrawing);
  const took = await times(keys, async () => {
    // Nobody types in step with the frames.
    await page.waitForTimeout(30 + Math.random() * 50);
    await page.evaluate(() => {
      const of = (name) => document.querySelector(name);
      window.took_ = window.nextEcho_(of(".xterm-helper-textarea"), of(".xterm-rows"));
    });
    await page.keyboard.press("x");
    return await page.evaluate("took_");
  });
  await context.close();
  const plain = await rawEchoes();
  for (const [name, part] of [["p50", 0.5], ["p95", 0.95]]) {
    const at = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length * part)];
    const reference = { what: "the same by a websocket without a page", values: [at(plain)] };
    print(`site terminal, key to echo, ${name}`, "ms", [at(took)], reference);
  }
}

async function rawEchoes() {
  const [owner, name] = workspace.split("/");
  const headers = { "Coder-Session-Token": token };
  const found = await (await fetch(`${url}/api/v2/users/${owner}/workspace/${name}`, { headers })).json();
  const agent = found.latest_build.resources.flatMap((r) => r.agents ?? [])[0].id;
  const query = new URLSearchParams({ reconnect: crypto.randomUUID(), width: "120", height: "40", command: echoing });
  const ws = new WebSocket(`${url.replace("http", "ws")}/api/v2/workspaceagents/${agent}/pty?${query}`, { headers });
  let heard = "";
  let wake = () => {};
  ws.on("message", (data) => {
    heard += data.toString();
    wake();
  });
  const until = (done) => new Promise((resolve) => {
    wake = () => done() && resolve();
    wake();
  });
  await new Promise((resolve, reject) => ws.on("open", resolve).on("error", reject));
  await until(() => heard.includes("ready"));
  const took = await times(keys, async () => {
    const before = heard.length;
    const start = performance.now();
    ws.send(JSON.stringify({ data: "x" }));
    await until(() => heard.length > before);
    return performance.now() - start;
  });
  ws.terminate();
  return took;
}

const parts = { loads, scroll, cat, echo };
try {
  for (const [name, run] of Object.entries(parts)) if (!process.argv[5] || process.argv[5].split(",").includes(name)) await run();
} finally {
  await browser.close();
}
