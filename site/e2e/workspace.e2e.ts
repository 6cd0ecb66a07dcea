import { expect, test } from "vitest";
import { write } from "../mock/builds";
import { seed } from "../mock/seed";
import { touch } from "../mock/store";
import { newContext, visit, withBrowser } from "./harness";

withBrowser();

test("a start is followed live, line by line, also by a second browser", async () => {
  const store = seed();
  store.held = true;
  await visit("/@alice/frontend", { as: "alice", store }, async (v) => {
    const second = await newContext(v, { as: "bob" });
    const watching = await second.newPage();
    await watching.goto(`${v.url}/@alice/frontend`);
    await watching.getByText("The workspace is stopped").waitFor();
    await v.page.getByRole("banner").getByRole("link", { name: "Coder" }).waitFor();
    await v.page.getByRole("button", { name: "Start" }).first().click();
    for (const page of [v.page, watching]) await page.getByText("Initializing provider plugins").waitFor();
    store.held = false;
    for (const page of [v.page, watching]) await page.getByText("Connected", { exact: true }).waitFor();
    await second.close();
  });
});

test("the search of a log finds lines", async () => {
  await visit("/@alice/api?tab=builds", { as: "alice" }, async ({ page }) => {
    await page.getByText("9 lines").waitFor();
    await page.getByLabel("Search the log").fill("PROVIDER");
    await page.getByText("1 of 9").waitFor();
    expect(await page.locator("mark").textContent()).toBe("provider");
    await page.getByLabel("Search the log").fill("nothing of it");
    await page.getByText("No line has it.").waitFor();
  });
});

test("what a log says is text, however odd and long", async () => {
  const store = seed();
  store.buildTime = 60_000;
  await visit("/@alice/build-box", { as: "alice", store }, async ({ page }) => {
    await page.getByText("coder_agent.main: Creating...").waitFor();
    const w = store.workspaces.find((x) => x.name === "build-box")!;
    const build = store.builds.find((b) => b.id === w.latest_build.id)!;
    write(store, build, ["Applying", "info", "<img src=x onerror=alert(1)>"]);
    write(store, build, ["Applying", "info", `\u001b]0;title\u0007\u001b[2J${"m".repeat(1_000_000)}`]);
    for (let i = 0; i < 5000; i++) write(store, build, ["Applying", "info", `line ${i}`]);
    touch(store);
    await page.getByText("5,003 lines").waitFor();
    await page.getByText("line 4999").waitFor();
    await page.getByLabel("Search the log").fill("onerror");
    await page.getByText("<img src=x onerror=alert(1)>").waitFor();
    await page.getByLabel("Search the log").fill("mmmm");
    await page.getByText("more characters").waitFor();
    expect(await page.locator("img[src=x]").count()).toBe(0);
  });
});

test("a running build is cancelled", async () => {
  await visit("/@alice/build-box", { as: "alice" }, async ({ page }) => {
    await page.getByRole("button", { name: "Cancel the build" }).click();
    await page.getByText("Cancelled", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Start" }).waitFor();
  });
});

test("applications lead to their hosts, and nowhere unsafe", async () => {
  await visit("/@alice/api", { as: "alice" }, async ({ page, url }) => {
    await page.getByRole("link", { name: "code-server" }).first().waitFor();
    const href = (name: string) => page.getByRole("link", { name }).first().getAttribute("href");
    expect(await href("code-server")).toBe("http://code--main--api--alice.apps.example.test/");
    expect(new URL((await href("Docs"))!, url).pathname).toBe("/@alice/api.main/apps/docs/");
    expect(await href("3000")).toBe("http://3000--main--api--alice.apps.example.test/");
    expect(await page.locator('a[href^="javascript:"]').count()).toBe(0);
    await page.getByRole("button", { name: "Odd link" }).hover();
    await page.getByRole("tooltip").getByText("cannot be opened").waitFor();
  });
});

test("a workspace is renamed, and a bad name is said beside the field", async () => {
  await visit("/@alice/api?tab=settings", { as: "alice" }, async ({ page }) => {
    await page.getByLabel("Name").fill("Bad Name");
    await page.getByRole("button", { name: "Rename" }).click();
    await page.getByText("use lower-case letters").waitFor();
    await page.getByLabel("Name").fill("api2");
    await page.getByRole("button", { name: "Rename" }).click();
    await page.waitForURL(/\/@alice\/api2\?tab=settings/);
    await page.getByRole("heading", { name: "api2", exact: true }).waitFor();
  });
});

test("a workspace is deleted after its name was typed", async () => {
  await visit("/@alice/api?tab=settings", { as: "alice" }, async ({ page }) => {
    await page.getByRole("button", { name: "Delete…" }).click();
    const dialog = page.getByRole("dialog");
    expect(await dialog.getByRole("button", { name: "Delete" }).isDisabled()).toBe(true);
    await dialog.getByLabel("Type api to confirm").fill("api");
    await dialog.getByRole("button", { name: "Delete" }).click();
    await page.getByText("This workspace is deleted").waitFor();
  });
});

test("a lost server is said, the page stays, and it comes back by itself", async () => {
  await visit("/@alice/api", { as: "alice" }, async ({ page, store, away }) => {
    await page.getByText("41 %").waitFor();
    away(true);
    await page.getByText("The connection to the server is lost").waitFor();
    await page.getByRole("heading", { name: "api" }).waitFor();
    store.workspaces.find((w) => w.name === "api")!.outdated = true; // while nobody hears it
    away(false);
    await page.getByText("Connected again.").waitFor();
    await page.getByText("Update available").waitFor();
  });
});

test("a part that fails leaves the others", async () => {
  const store = seed();
  store.failing.add("GET /api/v2/workspacebuilds/{workspacebuild}/timings");
  await visit("/@alice/api?tab=builds", { as: "alice", store }, async ({ page }) => {
    await page.getByRole("alert").getByText("The server has failed").waitFor();
    await page.getByText("9 lines").waitFor();
  });
});
