import { expect, test } from "vitest";
import { addWorkspace, seed } from "../mock/seed";
import { visit, withBrowser } from "./harness";

withBrowser();

test("the filter is in the URL, and lists and text write the same", async () => {
  await visit("/workspaces", { as: "alice" }, async ({ page }) => {
    await page.getByRole("row", { name: /frontend/ }).waitFor();
    expect(await page.getByRole("row", { name: /bobs-lab/ }).count()).toBe(0);
    await page.getByLabel("Whose").selectOption("Everyone's");
    await page.getByRole("row", { name: /bobs-lab/ }).waitFor();
    await page.getByLabel("State").selectOption("Failed");
    await page.getByText("1 workspace", { exact: true }).waitFor();
    expect(new URL(page.url()).searchParams.get("filter")).toBe("status:failed");
    await page.getByRole("searchbox").fill("color:blue");
    await page.getByText('"color" is not a filter').waitFor();
    await page.getByRole("searchbox").fill("doc");
    await page.getByRole("row", { name: /docs/ }).waitFor();
    await page.reload();
    await page.getByText("1 workspace", { exact: true }).waitFor();
    expect(await page.getByRole("searchbox").inputValue()).toBe("doc");
  });
});

test("the list is asked for beside who is signed in, not after", async () => {
  await visit("/icon.svg", { as: "alice" }, async ({ page, url }) => {
    const asked = page.waitForRequest(/\/api\/v2\/workspaces\?/);
    await page.route(/\/api\/v2\/users\/me$/, async (route) => {
      await asked;
      await route.continue();
    });
    await page.goto(`${url}/workspaces`);
    await page.getByRole("row", { name: /frontend/ }).waitFor();
  });
});

test("a workspace is stopped from the list and is seen stopping, then stopped", async () => {
  const store = seed();
  store.held = true;
  await visit("/workspaces", { as: "alice", store }, async ({ page }) => {
    const row = page.getByRole("row", { name: /api/ });
    await row.getByRole("button", { name: "Stop api" }).click();
    await row.getByText("Stopping").waitFor();
    store.held = false;
    await row.getByText("Stopped").waitFor();
    await row.getByRole("button", { name: "Start api" }).waitFor();
  });
});

test("many are deleted at once, after a word was typed", async () => {
  await visit("/workspaces", { as: "alice" }, async ({ page, store }) => {
    for (const name of ["api", "frontend"]) await page.getByLabel(`Select ${name}`).click();
    await page.getByRole("toolbar").getByRole("button", { name: "Delete" }).click();
    const dialog = page.getByRole("dialog", { name: "Delete 2 workspaces?" });
    const confirm = dialog.getByRole("button", { name: "Delete" });
    expect(await confirm.isDisabled()).toBe(true);
    await dialog.getByLabel("Type delete to confirm").fill("delete");
    await confirm.click();
    await page.getByText("2 workspaces are being deleted", { exact: true }).first().waitFor();
    await page.getByText("4 workspaces", { exact: true }).waitFor();
    expect(store.workspaces.filter((w) => w.latest_build.status === "deleted").map((w) => w.name)).toEqual([
      "api",
      "frontend",
    ]);
  });
});

test("a refused build is told once, with the request", async () => {
  const store = seed();
  store.failing.add("POST /api/v2/workspaces/{workspace}/builds");
  await visit("/workspaces", { as: "alice", store }, async ({ page }) => {
    await page.getByRole("button", { name: "Stop api" }).click();
    await page.getByText("The workspace does not stop").first().waitFor();
    await page
      .getByText(/^mock-\d+$/)
      .first()
      .waitFor();
    await page.getByRole("row", { name: /api/ }).getByText("Running").waitFor();
  });
});

test("a list that cannot be fetched says so, and comes when it can be", async () => {
  const store = seed();
  store.failing.add("GET /api/v2/workspaces");
  await visit("/workspaces", { as: "alice", store }, async ({ page }) => {
    const alert = page.getByRole("alert");
    await alert.getByText("The workspaces cannot be shown").waitFor();
    store.failing.clear();
    await alert.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("row", { name: /api/ }).waitFor();
    expect(await alert.count()).toBe(0);
  });
});

test("a thousand rows are a list of which only what is seen is drawn", async () => {
  const store = seed();
  const alice = store.users[0]!;
  for (let i = 0; i < 994; i++)
    addWorkspace(store, alice, store.templates[0]!, `w${String(i).padStart(4, "0")}`, "stopped");
  await visit("/workspaces", { as: "alice", store }, async ({ page }) => {
    await page.getByText("1,000 workspaces").waitFor();
    const rows = page.getByRole("row");
    expect(await rows.count()).toBeLessThan(60);
    const list = page.getByRole("rowgroup").nth(1);
    await list.evaluate((e) => {
      e.scrollTop = e.scrollHeight;
    });
    await page.getByRole("row", { name: /w0993/ }).waitFor();
    expect(await rows.count()).toBeLessThan(60);
  });
});

test("the keyboard alone: palette, list of shortcuts, search, theme", async () => {
  await visit("/workspaces", { as: "alice" }, async ({ page }) => {
    await page.getByRole("row", { name: /frontend/ }).waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("t");
    await expect.poll(() => page.locator("html").getAttribute("data-theme")).toBe("dark");
    await page.keyboard.press("/");
    await expect.poll(() => page.getByRole("searchbox").evaluate((e) => e === document.activeElement)).toBe(true);
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog").getByRole("combobox").fill("front");
    await page.getByRole("option", { name: /frontend/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/@alice\/frontend$/);
    await page.getByRole("heading", { name: "frontend" }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("w");
    await page.waitForURL(/\/workspaces$/);
  });
});
