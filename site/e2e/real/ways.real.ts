import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { launch, settle, watch } from "../harness";
import { deployment, Person } from "./deployment";

const shots = (name: string) => fileURLToPath(new URL(`../shots/${name}`, import.meta.url));

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

// A step that fails leaves a picture of the page.
afterEach(async ({ task }) => {
  if (task.result?.state === "fail" && page) await page.screenshot({ path: shots(`failed-${task.name}.png`) });
});

/** picture is kept for docs/ where PICTURES names a directory. */
async function picture(from: Page, name: string) {
  const dir = process.env.PICTURES;
  if (!dir) return;
  for (const theme of ["light", "dark"] as const) {
    await from.emulateMedia({ colorScheme: theme });
    await settle(from);
    await from.screenshot({ path: `${dir}/${name}-${theme}.png` });
  }
  await from.emulateMedia({ colorScheme: "light" });
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

test("a folder becomes a template", async () => {
  await page.goto(`${deployment.url}/templates/new`);
  await page.getByLabel("Choose a folder").last().setInputFiles(deployment.template);
  await page.getByLabel("Name", { exact: true }).fill("hello");
  await page.getByRole("button", { name: "Create template" }).click();
  await page.waitForURL(/\/templates\/coder\/hello$/);
  await page.getByRole("heading", { name: "Processes on the host" }).waitFor();
  await picture(page, "template");
  await page.getByRole("link", { name: "Versions" }).click();
  await page.getByText("Active", { exact: true }).first().waitFor();
  await admin.signIn();
  expect(await admin.coder("templates", "list", "--output", "json")).toContain('"hello"');
});

test("a workspace is made, with parameters that follow the answers", async () => {
  await page.goto(`${deployment.url}/templates/coder/hello/workspace`);
  await page.getByLabel("Name", { exact: true }).fill("demo");
  const loud = page.getByRole("switch", { name: "Loud" });
  await loud.click();
  const times = page.getByLabel("Times");
  await times.fill("12");
  await page
    .getByText(/above the maximum|at most 9|between 1 and 9/)
    .first()
    .waitFor();
  await times.fill("3");
  await page.getByText(/above the maximum/).waitFor({ state: "detached" });
  await picture(page, "create");
  await page.getByRole("button", { name: "Create workspace" }).click();
  await page.waitForURL(/\/@admin\/demo/);
  await page.getByText("Connected", { exact: true }).waitFor();
  await page.getByText("Load average of the host").waitFor();
  await picture(page, "workspace");
});

test("a template is edited, built and published", async () => {
  await page.goto(`${deployment.url}/templates/coder/hello`);
  await page.getByRole("link", { name: "Edit files" }).click();
  await page.getByRole("navigation", { name: "Files" }).getByRole("button", { name: "hello.tf" }).first().click();
  await page.getByRole("textbox", { name: "Text of hello.tf" }).click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("# One line more.");
  await page.getByText("1 not built yet").waitFor();
  await page.keyboard.press("Control+s");
  await page.getByRole("status").getByText("Built", { exact: true }).waitFor();
  await picture(page, "editor");
  await page.getByRole("button", { name: "Publish" }).click();
  const dialog = page.getByRole("dialog", { name: "Publish this version" });
  await dialog.getByLabel("Name of the version").fill("second");
  await dialog.getByRole("button", { name: "Publish" }).click();
  await page.waitForURL(/\/templates\/coder\/hello\/versions\/second$/);
  await page.goto(`${deployment.url}/@admin/demo`);
  await page.getByText("Connected", { exact: true }).waitFor();
});

test("a terminal runs commands, and a reload comes back to it", async () => {
  const opened = page.context().waitForEvent("page");
  await page.getByRole("link", { name: "Terminal" }).first().click();
  const terminal = await opened;
  watch(terminal, problems);
  await terminal.getByText("Connected", { exact: true }).waitFor();
  const rows = terminal.locator(".xterm-rows");
  await terminal.keyboard.type("echo $((6 * 7)) is the answer");
  await terminal.keyboard.press("Enter");
  await rows.getByText(/^42 is the answer/).waitFor();
  await picture(terminal, "terminal");
  await terminal.reload();
  await rows.getByText(/^42 is the answer/).waitFor();
  await terminal.close();
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
  await picture(other, "workspaces");
  await page.getByText("The workspace is stopped").waitFor();
  await other.goto(`${deployment.url}/@admin/demo`);
  await other.getByRole("button", { name: "Start" }).first().click();
  for (const p of [page, other]) await p.getByText("Connected", { exact: true }).waitFor();
  await other.context().close();
});

test("people are made with roles, and see what those let them", async () => {
  const people = [
    { name: "tess", role: "Template Admin", areas: ["Workspaces", "Templates", "Organizations", "Deployment"] },
    { name: "otto", role: "Auditor", areas: ["Workspaces", "Templates", "Organizations", "Deployment"] },
    { name: "uma", role: "User Admin", areas: ["Workspaces", "Templates", "Organizations", "Deployment"] },
    { name: "mia", role: "", areas: ["Workspaces", "Templates", "Organizations"] },
  ];
  for (const person of people) {
    await page.goto(`${deployment.url}/deployment/users`);
    await page.getByRole("button", { name: "New user" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Username").fill(person.name);
    await dialog.getByLabel("E-mail address").fill(`${person.name}@example.com`);
    await dialog.getByLabel("Password", { exact: true }).fill(deployment.password);
    if (person.role) await dialog.getByLabel(person.role).click();
    await dialog.getByRole("button", { name: "Create user" }).click();
    await page.getByRole("dialog", { name: `${person.name} is made` }).waitFor();
    const theirs = await window();
    await signIn(theirs, person.name);
    const areas = theirs.getByRole("navigation", { name: "Areas" }).getByRole("link");
    await theirs.getByRole("heading", { name: "Workspaces" }).waitFor();
    await expect.poll(() => areas.allTextContents(), { timeout: 20_000 }).toEqual(person.areas);
    // Only the auditor reads the log; the others are told so once, by the server.
    await theirs.goto(`${deployment.url}/audit`);
    if (person.name === "otto") await theirs.getByText(/hello/).first().waitFor();
    else await theirs.getByRole("alert").getByText("The audit log cannot be shown").waitFor();
    // Only who looks after templates sees workspaces of others.
    await theirs.goto(`${deployment.url}/@admin/demo`);
    if (person.name === "tess") await theirs.getByRole("heading", { name: /demo/ }).waitFor();
    else await theirs.getByText("Workspace not found").waitFor();
    await theirs.context().close();
  }
  await page.goto(`${deployment.url}/deployment/users`);
  await page.getByRole("row", { name: /mia/ }).waitFor();
  await picture(page, "users");
});

test("a token is shown once and works", async () => {
  await page.goto(`${deployment.url}/settings/tokens`);
  await page.getByRole("button", { name: "New token" }).click();
  await page.getByLabel("Name").fill("nightly");
  await page.getByRole("button", { name: "Make the token" }).click();
  await page.getByText("Copy it now").waitFor();
  const secret =
    (await page
      .getByRole("group", { name: "The new token" })
      .getByText(/^\w+-\w+$/)
      .textContent()) ?? "";
  const answer = await fetch(`${deployment.url}/api/v2/users/me`, { headers: { "Coder-Session-Token": secret } });
  expect(await answer.json()).toMatchObject({ username: "admin" });
  await page.getByRole("button", { name: "I have copied it" }).click();
  await page.getByRole("row", { name: /nightly/ }).waitFor();
  await picture(page, "tokens");
});

test("what was done is in the audit log", async () => {
  await page.goto(`${deployment.url}/audit`);
  await page.getByText(/mia/).first().waitFor();
  await picture(page, "audit");
  for (const [path, sight] of [
    ["/health", "Health"],
    ["/deployment/overview", "Overview"],
    ["/connectionlog", "Connection log"],
    ["/organizations/coder/provisioners", "Provisioners"],
  ] as const) {
    await page.goto(deployment.url + path);
    await page.getByRole("heading", { name: sight, exact: true }).first().waitFor();
    await picture(page, sight.toLowerCase().replace(" ", "-"));
  }
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
