import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { newBuild } from "../mock/builds";
import { Refusal } from "../mock/handler";
import { seed } from "../mock/seed";
import { type Store, touch } from "../mock/store";
import { newContext, visit, withBrowser } from "./harness";

withBrowser();

const rows = (page: Page) => page.locator(".xterm-rows");
const prompt = (page: Page) => rows(page).getByText("coder@api").first().waitFor();
const idOf = (page: Page) => new URL(page.url()).searchParams.get("reconnect") ?? "";
const only = (store: Store) => [...store.terminals.values()][0]!;

async function enter(page: Page, line: string) {
  await page.keyboard.type(line);
  await page.keyboard.press("Enter");
}

test("what is typed is seen, and a reload and another tab come back to it", async () => {
  await visit("/@alice/api/terminal", { as: "alice" }, async ({ page, store, url }) => {
    await prompt(page);
    await enter(page, "nonsense");
    await rows(page).getByText("nonsense: command not found").waitFor();
    const id = idOf(page);
    expect([...store.terminals.keys()]).toEqual([id]);
    await page.reload();
    await rows(page).getByText("nonsense: command not found").waitFor();
    expect(idOf(page)).toBe(id);
    const second = await (await newContext({ url, store } as never, { as: "alice" })).newPage();
    await second.goto(page.url());
    await rows(second).getByText("nonsense: command not found").waitFor();
    await second.keyboard.type("seen by both");
    await rows(page).getByText("seen by both").waitFor();
    expect(store.terminals.size).toBe(1);
    await second.context().close();
  });
});

test("the cursor blinks, and no animation keeps the browser busy for it", async () => {
  await visit("/icon.svg", { as: "alice" }, async ({ page, url }) => {
    await page.emulateMedia({ reducedMotion: "no-preference" });
    await page.goto(`${url}/@alice/api/terminal`);
    await prompt(page);
    // Until both of its colours have been seen.
    await page.evaluate(`new Promise((done) => {
      const seen = new Set();
      const look = () => {
        const cursor = document.querySelector(".xterm-focus .xterm-cursor-blink");
        if (cursor) seen.add(getComputedStyle(cursor).backgroundColor);
        if (seen.size === 2) done();
        else setTimeout(look, 50);
      };
      look();
    })`);
    const running = `document.getAnimations().filter((a) => a.playState === "running"
      && a.effect.getComputedTiming().iterations === Infinity && a.effect.target.closest(".xterm")).map((a) => a.animationName)`;
    expect(await page.evaluate(running)).toEqual([]);
  });
});

test("a lost connection is said, and the same terminal comes back", async () => {
  await visit("/@alice/api/terminal", { as: "alice" }, async ({ page, store, away }) => {
    await prompt(page);
    await enter(page, "before");
    await rows(page).getByText("before: command not found").waitFor();
    away(true);
    await page.getByText(/Connection lost/).waitFor();
    only(store).write("written meanwhile\r\n");
    away(false);
    await page.getByText("Connected", { exact: true }).waitFor();
    await rows(page).getByText("written meanwhile").waitFor();
    await rows(page).getByText("before: command not found").waitFor();
    expect(store.terminals.size).toBe(1);
  });
});

test("an ended one says how, and Enter opens a new one", async () => {
  await visit("/@alice/api/terminal", { as: "alice" }, async ({ page, store }) => {
    await prompt(page);
    const id = idOf(page);
    await enter(page, "exit 3");
    await page.getByText("ended with exit code 3. Press Enter for a new one.").waitFor();
    await page.keyboard.type("x");
    await page.keyboard.press("Enter");
    await page.getByText("Connected", { exact: true }).waitFor();
    await expect.poll(() => store.terminals.size).toBe(2);
    expect(idOf(page)).not.toBe(id);
    expect(store.terminals.get(idOf(page))!.typed).toBe("");
  });
});

test("a stopped workspace is started from here, and the terminal opens", async () => {
  const store = seed();
  store.buildTime = 50;
  await visit("/@alice/frontend/terminal", { as: "alice", store }, async ({ page }) => {
    await page.getByText("The workspace is stopped.").waitFor();
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByText("Connected", { exact: true }).waitFor();
    await prompt(page);
  });
});

test("a workspace that is stopped meanwhile says so, and its start brings the terminal back", async () => {
  const store = seed();
  store.buildTime = 50;
  await visit("/@alice/api/terminal", { as: "alice", store }, async ({ page }) => {
    await prompt(page);
    const api = store.workspaces.find((w) => w.name === "api")!;
    newBuild(store, api, "stop", "alice");
    await page.getByText("The workspace is stopped.").waitFor();
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByText("Connected", { exact: true }).waitFor();
    await prompt(page);
  });
});

test("an agent that goes away is said, and its return too", async () => {
  const store = seed();
  const agent = store.workspaces
    .find((w) => w.name === "api")!
    .latest_build.resources!.flatMap((r) => r.agents ?? [])[0]!;
  agent.status = "disconnected";
  await visit("/@alice/api.main/terminal", { as: "alice", store }, async ({ page }) => {
    await page.getByText("The agent is not connected.").waitFor();
    agent.status = "connected";
    touch(store);
    await prompt(page);
  });
});

test("an agent that the workspace does not have is named", async () => {
  await visit("/@alice/api.other/terminal", { as: "alice" }, async ({ page }) => {
    await page.getByText('The workspace has no agent "other". It has: main.').waitFor();
  });
});

test("a link does not run its command before somebody has read it", async () => {
  await visit("/@alice/api/terminal?command=rm%20-rf%20~", { as: "alice" }, async ({ page, store }) => {
    const dialog = page.getByRole("dialog", { name: "Run this command?" });
    await dialog.getByText("rm -rf ~").waitFor();
    expect(store.terminals.size).toBe(0);
    await dialog.getByRole("button", { name: "Open a shell instead" }).click();
    await prompt(page);
    expect(only(store).command).toBe("");
    expect(page.url()).not.toContain("command");
  });
  await visit("/@alice/api/terminal?command=htop", { as: "alice" }, async ({ page, store }) => {
    await page.getByRole("button", { name: "Run it" }).click();
    await prompt(page);
    expect(only(store).command).toBe("htop");
    await page.reload();
    await prompt(page);
    expect(await page.getByRole("dialog").count()).toBe(0);
  });
});

test("several lines ask before they are pasted, unless the program knows of pasting", async () => {
  await visit("/@alice/api/terminal", { as: "alice" }, async ({ page, store }) => {
    await prompt(page);
    const paste = (text: string) =>
      page.evaluate((data) => {
        const clipboardData = new DataTransfer();
        clipboardData.setData("text/plain", data);
        const event = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
        document.querySelector(".xterm-helper-textarea")!.dispatchEvent(event);
      }, text);
    await paste("one");
    await expect.poll(() => only(store).typed).toBe("one");
    await paste("\ntwo\nthree");
    const dialog = page.getByRole("dialog", { name: "Paste 3 lines?" });
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await dialog.waitFor({ state: "detached" });
    await paste("\ntwo\n");
    await page.getByRole("dialog").getByRole("button", { name: "Paste" }).click();
    await expect.poll(() => only(store).typed).toBe("one\rtwo\r");
    await page.locator(".xterm-helper-textarea:focus").waitFor({ state: "attached" });
    await page.keyboard.type("bracketed\r");
    await expect.poll(() => only(store).typed).toContain("bracketed\r");
    await rows(page).getByText("bracketed").waitFor();
    await enter(page, "ls");
    await rows(page).getByText("go.mod").waitFor();
    await paste("four\nfive");
    await expect.poll(() => only(store).typed).toContain("\u001b[200~four\rfive\u001b[201~");
  });
});

test("the search finds what has left the screen, by the keyboard alone", async () => {
  await visit("/@alice/api/terminal", { as: "alice" }, async ({ page }) => {
    await prompt(page);
    await enter(page, "seq 500");
    await rows(page).getByText("500", { exact: true }).waitFor();
    await page.keyboard.press("Control+Shift+F");
    await page.getByLabel("Search the terminal").fill("17");
    await page.getByText(/of 15/).waitFor();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Escape");
    await page.getByLabel("Search the terminal").waitFor({ state: "detached" });
    await page.keyboard.type("back");
    await rows(page).getByText("back").waitFor();
  });
});

test("what a program says of itself is text, and the clipboard is asked for", async () => {
  await visit("/@alice/api/terminal", { as: "alice" }, async ({ page, store, context, url }) => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: url });
    await prompt(page);
    await enter(page, "evil");
    await expect.poll(() => page.title()).toBe("<img src=x onerror=alert(1)> · Terminal");
    expect(await page.locator("img[src=x]").count()).toBe(0);
    expect(only(store).typed).toBe("evil\r"); // nothing answered for the clipboard
    await enter(page, "copy from the program");
    await page.getByText("A program wants to put 16 characters").waitFor();
    await page.getByRole("button", { name: "Allow" }).click();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe("from the program");
  });
});

test("a reader gets the rows as text, by a key and by the URL", async () => {
  await visit("/@alice/api/terminal", { as: "alice" }, async ({ page }) => {
    await prompt(page);
    await page.keyboard.press("Alt+F1");
    await page.getByText("Screen reader mode is on.").waitFor();
    await page.locator(".xterm-accessibility").getByText("coder@api").first().waitFor();
  });
});

test("a phone has the keys that its keyboard has not, and the program hears of the size", async () => {
  await visit("/@alice/api/terminal", { as: "alice", width: 360 }, async ({ page, store }) => {
    await prompt(page);
    const keys = page.getByRole("toolbar", { name: "Keys" });
    await keys.getByRole("button", { name: "Esc" }).click();
    await keys.getByRole("button", { name: "Up" }).click();
    await keys.getByRole("button", { name: "Ctrl" }).click();
    await page.keyboard.type("c");
    await expect.poll(() => only(store).typed).toBe("\u001b\u001b[A\u0003");
    const before = only(store).sizes.at(-1);
    await page.setViewportSize({ width: 700, height: 600 });
    await expect.poll(() => only(store).sizes.at(-1)).not.toBe(before);
  });
});

test("a refusal is told with its request", async () => {
  const store = seed();
  store.failing.add("GET /api/v2/users/{user}/workspace/{workspacename}");
  await visit("/@alice/api/terminal", { as: "alice", store }, async ({ page }) => {
    await page.getByText("The server has failed").waitFor();
    await page.getByText(/^mock-\d+$/).waitFor();
  });
});

test("who is not signed in comes back to the terminal after the login", async () => {
  await visit("/@alice/api/terminal", {}, async ({ page }) => {
    await page.getByLabel("E-mail").fill("alice@example.test");
    await page.getByLabel("Password").fill("hunter22-mock");
    await page.getByRole("button", { name: "Sign in" }).click();
    await prompt(page);
  });
});

test("the graphics card draws it where the deployment says so", async () => {
  const store = seed();
  store.renderer = "webgl";
  await visit("/@alice/api/terminal", { as: "alice", store }, async ({ page }) => {
    await page.getByText("Connected", { exact: true }).waitFor();
    await page.locator(".xterm-screen canvas").first().waitFor();
  });
});

test("a terminal that the server refuses says why, once", async () => {
  const store = seed();
  store.failing.add("GET /api/v2/workspaceagents/{workspaceagent}/pty");
  await visit("/@alice/api/terminal", { as: "alice", store }, async ({ page }) => {
    await page.getByText(/Connection lost/).waitFor(); // the server has failed: it may come back
    const message = "This agent belongs to an earlier build of the workspace.";
    store.refusing.set(
      "GET /api/v2/workspaceagents/{workspaceagent}/pty",
      new Refusal(409, { code: "conflict", message }),
    );
    store.failing.clear();
    await page.getByRole("alert").getByText("earlier build").waitFor();
    store.refusing.clear();
    await page.getByRole("button", { name: "Try again" }).click();
    await prompt(page);
  });
});

test("the workspace leads to a shell, and to applications that are commands", async () => {
  await visit("/@alice/api", { as: "alice" }, async ({ page, store, url }) => {
    const href = async (name: string) =>
      new URL((await page.getByRole("link", { name, exact: true }).getAttribute("href"))!, url);
    expect((await href("Terminal")).pathname).toBe("/@alice/api.main/terminal");
    const app = await href("Processes");
    expect(app.search).toBe("?app=top");
    await page.goto(app.href);
    await prompt(page);
    expect(only(store).command).toBe("htop");
  });
});

test("where there are no hosts for applications, the page says why", async () => {
  const store = seed();
  store.appHost = "";
  await visit("/@alice/api", { as: "alice", store }, async ({ page }) => {
    await page.getByText(/coder port-forward. No --wildcard-access-url is set/).waitFor();
    await page.getByRole("button", { name: "Docs" }).hover();
    await page.getByRole("tooltip").getByText("No --path-apps-url is set").waitFor();
  });
});
