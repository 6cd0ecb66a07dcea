import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { auditEntry } from "../mock/adminseed";
import { seed } from "../mock/seed";
import { visit, withBrowser } from "./harness";

withBrowser();

/** How long a page may take to get somewhere on a busy machine. */
const patience = { timeout: 20_000 };

const side = (page: Page) => page.getByRole("navigation", { name: "Deployment" });
const areas = (page: Page) => page.getByRole("navigation", { name: "Areas" });

/** as gives bob a role. */
function withRole(name: string) {
  const store = seed();
  store.users.find((u) => u.username === "bob")!.roles = [{ name, display_name: name }];
  return store;
}

test("an area stands in the bar for those who may read something there", async () => {
  await visit("/workspaces", { as: "bob" }, async ({ page }) => {
    await areas(page).getByRole("link", { name: "Organizations" }).waitFor();
    expect(await areas(page).getByRole("link").allTextContents()).toEqual(["Workspaces", "Templates", "Organizations"]);
    await page.keyboard.press("?");
    await page.getByText("Go to Organizations").waitFor();
    expect(await page.getByText("Go to Deployment").count()).toBe(0);
  });
});

test("the area leads to the first page of it that one may read", async () => {
  await visit("/workspaces", { as: "bob", store: withRole("user-admin") }, async ({ page }) => {
    await areas(page).getByRole("link", { name: "Deployment" }).click();
    await page.waitForURL(/\/deployment\/users$/);
    await side(page).getByRole("link", { name: "Users" }).waitFor();
    expect(await side(page).getByRole("link").allTextContents()).toEqual(["Users", "What is included"]);
  });
});

test("the side of an area has the pages that one may read", async () => {
  await visit("/workspaces", { as: "bob", store: withRole("auditor") }, async ({ page }) => {
    await areas(page).getByRole("link", { name: "Deployment" }).click();
    await page.getByText("9 options").waitFor();
    expect(await side(page).getByRole("link").allTextContents()).toEqual([
      "Overview",
      "Users",
      "Audit log",
      "Connection log",
      "What is included",
    ]);
  });
});

test("who may not read a page is told so by the server, once", async () => {
  await visit("/audit", { as: "bob" }, async ({ page }) => {
    const alert = page.getByRole("alert");
    await alert.getByText("The audit log cannot be shown").waitFor();
    await alert.getByText(/^mock-\d+$/).waitFor();
    expect(await alert.count()).toBe(1);
    expect(await page.getByRole("searchbox").count()).toBe(0);
  });
});

test("on a phone a menu has the areas, and the page of an area shows where one is", async () => {
  await visit("/workspaces", { as: "alice", width: 360 }, async ({ page }) => {
    await page.getByRole("button", { name: "Areas" }).click();
    await page.getByRole("menuitem", { name: "Deployment" }).click();
    await page.getByText("9 options").waitFor();
    await side(page).getByRole("link", { name: "What is included" }).click();
    await page.getByRole("heading", { name: "Custom roles" }).waitFor();
    expect(await page.title()).toBe("What is included · Deployment · Coder");
  });
});

test("a page that one goes to begins at its top; the way back does not", async () => {
  await visit("/deployment/overview", { as: "alice" }, async ({ page }) => {
    const top = () => page.getByRole("main").evaluate((e) => e.scrollTop);
    await page.getByText("CODER_PROVISIONER_DAEMONS").scrollIntoViewIfNeeded();
    await expect.poll(top, patience).toBeGreaterThan(300);
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog").getByRole("combobox").fill("health");
    await page.getByRole("option", { name: "Health" }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByText("Code ESTUN01").waitFor();
    await expect.poll(top, patience).toBe(0);
    await page.goBack();
    await page.getByText("CODER_PROVISIONER_DAEMONS").waitFor();
    await expect.poll(top, patience).toBeGreaterThan(300);
  });
});

test("options are found by what is known of them, and where they were set is in the URL", async () => {
  await visit("/deployment/overview", { as: "alice" }, async ({ page }) => {
    await page.getByText("9 options").waitFor();
    await page.getByLabel("Search options").fill("coder_session 12h");
    await page.getByText("1 of 9 options").waitFor();
    await page.getByRole("heading", { name: "Session Duration" }).waitFor();
    await page.getByText("Default 24h").waitFor();
    await page.reload();
    await page.getByText("1 of 9 options").waitFor();
    await page.getByLabel("Search options").fill("nothing like it");
    await page.getByRole("button", { name: "Show all options" }).click();
    await page.getByText("9 options").waitFor();
    await page.getByLabel("Only those that were set").click();
    await page.getByText("5 of 9 options").waitFor();
    await page.getByText("Set, value withheld").waitFor();
    expect(new URL(page.url()).searchParams.get("set")).toBe("true");
  });
});

test("the health is checked again when asked, and by itself when the report is old", async () => {
  const store = seed();
  store.admin.health.time = new Date(Date.now() - 300_000).toISOString();
  await visit("/health", { as: "alice", store }, async ({ page }) => {
    await page.getByText("Code ESTUN01").waitFor();
    await page.getByText("Checked just now.").waitFor();
    store.admin.health.severity = "ok";
    store.admin.health.derp = { dismissed: false, healthy: true, severity: "ok", warnings: [] };
    await page.getByRole("button", { name: "Check again" }).click();
    await page.getByText("Everything works").waitFor();
    expect(await page.getByText("Code ESTUN01").count()).toBe(0);
  });
});

test("the health lists the replicas, also one that has stopped", async () => {
  await visit("/health", { as: "alice" }, async ({ page }) => {
    await page.getByRole("heading", { name: "Replicas" }).waitFor();
    await page.getByText("http://node-1:3000 · database 0.8 ms · node-2 0.4 ms").waitFor();
    await page.getByRole("listitem").filter({ hasText: "node-3" }).getByText("stopped").waitFor();
  });
});

test("a health check that fails leaves the last report", async () => {
  const store = seed();
  await visit("/health", { as: "alice", store }, async ({ page }) => {
    await page.getByText("Code ESTUN01").waitFor();
    store.failing.add("GET /api/v2/debug/health");
    await page.getByRole("button", { name: "Check again" }).click();
    await page.getByRole("alert").getByText("The report is not fresh").waitFor();
    await page.getByText("Code ESTUN01").waitFor();
    store.failing.clear();
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("alert").waitFor({ state: "detached" });
  });
});

test("the audit log is narrowed by lists, words and days, all in the URL", async () => {
  await visit("/audit", { as: "alice" }, async ({ page }) => {
    const q = () => new URL(page.url()).searchParams.get("filter");
    await page.getByText("7 entries").waitFor();
    await page.getByLabel("Action").selectOption("Changed");
    await page.getByText("2 entries").waitFor();
    await page.getByLabel("About").selectOption("Users");
    await page.getByText("1 entry", { exact: true }).waitFor();
    expect(q()).toBe("action:write resource_type:user");
    await page.getByRole("searchbox").fill("color:blue");
    await page.getByText('filter "color" is unknown').waitFor();
    await page.getByRole("searchbox").fill("hello");
    expect(await page.getByText("is not of the form").count()).toBe(0);
    await page.keyboard.press("Enter");
    await page.getByText('"hello" is not of the form key:value').waitFor();
    await page.getByRole("searchbox").fill("username:nobody");
    await page.getByText("Nothing matches").waitFor();
    await page.getByRole("button", { name: "Clear the search" }).click();
    await page.getByText("7 entries").waitFor();
    await page.getByRole("button", { name: "7 days" }).click();
    await expect.poll(q, patience).toMatch(/^date_from:\d{4}-\d\d-\d\d$/);
    const export_ = page.getByRole("link", { name: "Export" });
    expect(await export_.getAttribute("href")).toContain(`q=${encodeURIComponent(q()!)}`);
    await page.getByRole("button", { name: "7 days" }).click();
    await expect.poll(q, patience).toBe(null);
  });
});

test("an entry opens to what changed, without secrets, and narrows to its request", async () => {
  await visit("/audit", { as: "alice" }, async ({ page, store }) => {
    await page.getByRole("button", { name: "Details: bob changed user bob" }).click();
    await page.getByRole("cell", { name: "Changed. The value is withheld." }).waitFor();
    await page.getByRole("row", { name: /name.*Bob Baker/ }).waitFor();
    await page.getByRole("button", { name: "Only this request" }).click();
    await page.getByText("1 entry", { exact: true }).waitFor();
    const entry = store.admin.audit.find((e) => e.description === "bob changed user bob")!;
    expect(new URL(page.url()).searchParams.get("filter")).toBe(`request_id:${entry.request_id}`);
    await page.goBack();
    await page.getByText("7 entries").waitFor();
    await page.getByRole("link", { name: "api", exact: true }).click();
    await page.waitForURL(/\/@alice\/api\?tab=builds&build=2$/);
  });
});

test("hostile text in the log is text", async () => {
  await visit("/audit?filter=action%3Acreate", { as: "alice" }, async ({ page }) => {
    await page.getByRole("button", { name: /^Details: bob created/ }).click();
    await page
      .getByText(/more characters/)
      .first()
      .waitFor();
    const main = page.getByRole("main");
    expect(await main.locator("img").count()).toBe(0);
    for (const mark of ["\u001b", "\u202e"]) expect(await main.textContent()).not.toContain(mark);
  });
});

test("a long log comes in pieces; newer entries come when asked for", async () => {
  const store = seed();
  const [alice] = store.users;
  const old = store.admin.audit.length;
  for (let i = 0; i < 150; i++)
    store.admin.audit.push(auditEntry(alice!, 60 * 86_400_000 + i * 1000, "create", "file", `file-${i}`, {}));
  await visit("/audit", { as: "alice", store }, async ({ page }) => {
    await page.getByText(`${old + 150} entries`).waitFor();
    const entries = page.getByRole("button", { name: /^Details: / });
    await expect.poll(() => entries.count(), patience).toBe(100);
    await page.getByRole("button", { name: "Show older entries" }).click();
    await expect.poll(() => entries.count(), patience).toBe(old + 150);
    expect(await page.getByRole("button", { name: "Show older entries" }).count()).toBe(0);
    store.admin.audit.unshift(auditEntry(alice!, 0, "delete", "template", "gone", { is_deleted: true }));
    // As when one comes back to the tab.
    await page.evaluate("window.dispatchEvent(new Event('visibilitychange'))");
    const newer = page.getByRole("button", { name: "Show newer entries" });
    await newer.waitFor();
    expect(await entries.count()).toBe(old + 150);
    await newer.click();
    await page.getByRole("button", { name: "Details: alice deleted template gone" }).waitFor();
    await page.getByText(`${old + 151} entries`).waitFor();
    await newer.waitFor({ state: "detached" });
    expect(await entries.count()).toBe(100);
  });
});

test("the connection log tells what is open from what has ended", async () => {
  await visit("/connectionlog", { as: "alice" }, async ({ page }) => {
    await page.getByText("5 connections").waitFor();
    await page.getByLabel("State").selectOption("Open");
    await page.getByText("2 connections").waitFor();
    await page.getByLabel("State").selectOption("Open and ended");
    await page.getByLabel("Type").selectOption("Forwarded port");
    await page.getByText("1 connection", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Details: Forwarded port to bob/bobs-lab" }).click();
    await page.getByText("255", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Only workspaces of this owner" }).click();
    await expect
      .poll(() => new URL(page.url()).searchParams.get("filter"), patience)
      .toBe("type:port_forwarding workspace_owner:bob");
    await page.getByRole("link", { name: "bob/bobs-lab" }).click();
    await page.getByRole("heading", { name: "bobs-lab" }).waitFor();
  });
});
