import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch, watch } from "../harness";
import { deployment, Person } from "./deployment";

// What people do, in the order in which they do it: each step stands on those before.

let browser: Browser;
const problems: string[] = [];
const contexts: BrowserContext[] = [];

beforeAll(async () => {
  browser = await chromium.launch({
    ...launch,
    args: [...launch.args, `--host-resolver-rules=MAP *.apps.test ${deployment.host}`],
  });
});
afterAll(() => browser?.close());

/** window is a browser of somebody else: cookies are not shared. */
async function window(): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  context.setDefaultTimeout(60_000);
  contexts.push(context);
  const page = await context.newPage();
  watch(page, problems);
  return page;
}

async function signIn(page: Page, name: string, at = "/workspaces") {
  await page.goto(deployment.url + at);
  await page.getByLabel("E-mail").fill(`${name}@example.com`);
  await page.getByLabel("Password").fill(deployment.password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

const admin = new Person("admin");
let page: Page;

test("the first user sets the server up", async () => {
  page = await window();
  await page.goto(deployment.url);
  await page.getByRole("heading", { name: "Set up this server" }).waitFor();
  await page.getByLabel("User name").fill("admin");
  await page.getByLabel("E-mail").fill("admin@example.com");
  await page.getByLabel("Password").fill(deployment.password);
  await page.getByRole("button", { name: "Make the account" }).click();
  await page.getByText("coder templates push").waitFor();
});

test("a template is pushed and a workspace made of it", async () => {
  await admin.signIn();
  await admin.coder("templates", "push", "hello", "-d", deployment.template, "-y");
  await admin.coder("create", "demo", "--template", "hello", "--use-parameter-defaults", "-y");
  await page.goto(`${deployment.url}/@admin/demo`);
  await page.getByText("Connected", { exact: true }).waitFor();
});

test("its application opens under a host of its own", async () => {
  const opened = page.context().waitForEvent("page");
  await page.getByRole("link", { name: /Hello/ }).click();
  const app = await opened;
  await app.getByRole("heading", { name: "Hello from the workspace" }).waitFor();
  expect(new URL(app.url()).hostname).toMatch(/\.apps\.test$/);
  await app.close();
});

test("a second browser sees a stop and a start without being asked", async () => {
  const other = await window();
  await signIn(other, "admin");
  await other.getByRole("row", { name: /demo/ }).getByText("Running").waitFor();
  await page.getByRole("button", { name: "Stop" }).first().click();
  await other.getByRole("row", { name: /demo/ }).getByText("Stopped").waitFor();
  await page.getByText("The workspace is stopped").waitFor();
  await other.goto(`${deployment.url}/@admin/demo`);
  await other.getByRole("button", { name: "Start" }).first().click();
  for (const p of [page, other]) await p.getByText("Connected", { exact: true }).waitFor();
  await other.context().close();
});

test("the workspace is deleted", async () => {
  await page.goto(`${deployment.url}/@admin/demo?tab=settings`);
  await page.getByRole("button", { name: "Delete…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox").fill("demo");
  await dialog.getByRole("button", { name: /Delete/ }).click();
  await page.getByText("This workspace is deleted").waitFor();
  expect(await admin.coder("list", "--output", "json")).toBe("[]\n");
});

test("no page had an error", () => {
  expect(problems).toEqual([]);
});
