import { expect, test } from "vitest";
import { seed } from "../mock/seed";
import { visit, withBrowser } from "./harness";

withBrowser();
const path = "/templates/default/docker/workspace";

test("a workspace is made with live parameters, and its log is followed", async () => {
  await visit("/workspaces", { as: "alice" }, async ({ page, store }) => {
    await page.getByRole("link", { name: "New workspace" }).waitFor();
    await page.goto(new URL(path, page.url()).href);
    await page.getByLabel("Name", { exact: true }).fill("Bad Name!");
    await page.getByText("Use letters, digits and single hyphens.").waitFor();
    await page.getByLabel("Name", { exact: true }).fill("api");
    await page.getByText("alice has a workspace of this name already.").waitFor();
    await page.getByLabel("Name", { exact: true }).fill("fresh");
    expect(await page.getByLabel("Zone").count()).toBe(0);
    await page.getByRole("radio", { name: /America/ }).check();
    await page.getByLabel("Zone").selectOption("Zone B");
    await page.getByLabel("Processors, as a number").fill("99");
    await page.getByText("99 is above the maximum of 16").waitFor();
    await page.getByRole("button", { name: "Create workspace" }).click();
    await page.getByText("Some values have to be put right first.").waitFor();
    await page.getByText("A value is required.").waitFor();
    await page.getByLabel("Processors, as a number").fill("8");
    await page.getByLabel("Team").fill("core");
    await page.getByLabel("API token").fill("tok_secret");
    expect(await page.getByLabel("API token").getAttribute("type")).toBe("password");
    await page.getByLabel("Notes").fill("one\ntwo");
    await page.getByRole("switch", { name: "Graphics card" }).click();
    await page.getByRole("checkbox", { name: "Nightly backup" }).uncheck();
    await page.getByRole("checkbox", { name: "Node" }).check();
    await page.getByLabel("Labels").fill("blue, green");
    await page.getByRole("button", { name: "Remove blue" }).click();
    await page.getByRole("button", { name: "Create workspace" }).click();
    await page.waitForURL(/\/@alice\/fresh$/);
    await page.getByText("Initializing provider plugins").waitFor();
    const made = store.workspaces.find((w) => w.name === "fresh")!;
    expect(store.creation.values.get(made.id)).toMatchObject({
      region: "us-east",
      zone: "b",
      cpus: "8",
      team: "core",
      token: "tok_secret",
      notes: "one\ntwo",
      gpu: "true",
      backup: "false",
      tools: '["git","node"]',
      labels: '["green"]',
    });
    expect(store.creation.asked.socket).toBeGreaterThan(2);
  });
});

test("a preset sets its values, another one sets others, and what one types stays", async () => {
  await visit(path, { as: "alice" }, async ({ page }) => {
    const cpus = page.getByLabel("Processors, as a number");
    await expect.poll(() => cpus.inputValue()).toBe("2");
    await page.getByLabel("Team").fill("core");
    await page.getByRole("radio", { name: /^Big/ }).check();
    await expect.poll(() => cpus.inputValue()).toBe("16");
    await expect.poll(() => page.getByLabel("Zone").inputValue()).toBe("b");
    await page.getByRole("radio", { name: /^None/ }).check();
    await expect.poll(() => cpus.inputValue()).toBe("4");
    expect(await page.getByLabel("Team").inputValue()).toBe("core");
  });
});

test("a link fills the form and does nothing by itself", async () => {
  const link = `${path}?mode=auto&name=linked&preset=none&param.notes=1.20&param.team=%22a%22&param.nope=x`;
  await visit(link, { as: "alice" }, async ({ page, store }) => {
    await page.getByText("The link asks for the workspace to be made at once.").waitFor();
    await page.getByText("Not asked for by the template: nope").waitFor();
    await expect.poll(() => page.getByLabel("Notes").inputValue()).toBe("1.20");
    expect(await page.getByLabel("Team").inputValue()).toBe('"a"');
    expect(await page.getByLabel("Name", { exact: true }).inputValue()).toBe("linked");
    expect(new URL(page.url()).searchParams.get("param.notes")).toBe("1.20");
    expect(store.workspaces.some((w) => w.name === "linked")).toBe(false);
    await page.getByRole("button", { name: "Create workspace" }).click();
    await page.waitForURL(/\/@alice\/linked$/);
  });
});

test("without a websocket the form asks by requests", async () => {
  const store = seed();
  store.creation.silent = true;
  await visit(path, { as: "alice", store }, async ({ page }) => {
    await page.getByRole("radio", { name: /America/ }).check();
    await page.getByLabel("Zone").waitFor();
    expect(store.creation.asked.socket).toBe(0);
    expect(store.creation.asked.request).toBeGreaterThan(0);
  });
});

test("a service has to be signed in to first, which is noticed", async () => {
  const store = seed();
  const auth = {
    id: "github",
    type: "github",
    display_name: "GitHub",
    display_icon: "",
    authenticate_url: "/icon.svg",
    authenticated: false,
  };
  store.creation.auth = [auth];
  await visit("/login", { as: "alice", store }, async ({ page, context, url }) => {
    auth.authenticate_url = `${url}/icon.svg`; // the server says a whole address
    await page.goto(url + path);
    const create = page.getByRole("button", { name: "Create workspace" });
    await page.getByText("The template uses these").waitFor();
    expect(await create.getAttribute("aria-disabled")).toBe("true");
    const [popup] = await Promise.all([
      context.waitForEvent("page"),
      page.getByRole("button", { name: /Sign in/ }).click(),
    ]);
    await popup.close();
    auth.authenticated = true;
    await page.getByText("Signed in", { exact: true }).waitFor();
    await expect.poll(() => create.getAttribute("aria-disabled")).toBe(null);
  });
});

test("an administrator makes one for somebody else; others are not asked whose it is", async () => {
  await visit(`${path}?name=for-bob&param.team=core`, { as: "alice" }, async ({ page, store }) => {
    await page.getByLabel("Owner").selectOption("bob");
    await page.getByRole("button", { name: "Create workspace" }).click();
    await page.waitForURL(/\/@bob\/for-bob$/);
    expect(store.workspaces.find((w) => w.name === "for-bob")?.owner_name).toBe("bob");
  });
  await visit(path, { as: "bob" }, async ({ page }) => {
    await page.getByLabel("Team").waitFor();
    expect(await page.getByLabel("Owner").count()).toBe(0);
  });
});

test("parameters of a workspace are changed after a look at the plan", async () => {
  await visit("/@alice/frontend?tab=parameters", { as: "alice" }, async ({ page, store }) => {
    await page.getByText("It cannot be changed any more.").waitFor();
    expect(await page.getByRole("radio", { name: /Europe/ }).isDisabled()).toBe(true);
    await page.getByLabel("Processors, as a number").fill("2");
    await page.getByText("It is 4 now and may only grow.").waitFor();
    await page.getByRole("button", { name: "Review changes" }).click();
    await page.getByText("Some values have to be put right first.").waitFor();
    await page.getByLabel("Processors, as a number").fill("6");
    await page.getByLabel("Debug output").check();
    await page.getByRole("button", { name: "Review changes" }).click();
    const dialog = page.getByRole("dialog", { name: "Build frontend with these values?" });
    await dialog.getByText("docker_container.workspace").waitFor();
    await dialog.getByRole("button", { name: "Start" }).click();
    await page.getByText("Connected", { exact: true }).waitFor();
    expect(store.creation.built.at(-1)?.rich_parameter_values).toEqual([
      { name: "cpus", value: "6" },
      { name: "debug", value: "true" },
    ]);
  });
});

test("who may not ask in the name of the owner sees the values, and no secrets", async () => {
  const store = seed();
  const api = store.workspaces.find((w) => w.name === "api")!;
  store.creation.values.set(api.id, { region: "us-east", team: "core", token: "tok_secret" });
  await visit("/@alice/api?tab=parameters", { as: "bob", store }, async ({ page }) => {
    await page.getByText("Whoever may make workspaces for the owner").waitFor();
    await page.getByText("core", { exact: true }).waitFor();
    expect(await page.getByText("tok_secret").count()).toBe(0);
    await page.getByText("••••").waitFor();
  });
});

test("an update that destroys what a stop keeps needs a word for it, and stops first", async () => {
  const store = seed();
  store.creation.loses = true;
  store.buildTime = 200;
  await visit("/@alice/docs", { as: "alice", store }, async ({ page }) => {
    await page.getByRole("link", { name: "Update", exact: true }).click();
    await page.getByText("bold_ferris4").first().waitFor();
    await page.getByRole("button", { name: "Review changes" }).click();
    const dialog = page.getByRole("dialog", { name: "Update docs?" });
    const go = dialog.getByRole("button", { name: "Stop and start" });
    await dialog.getByText("What is in it is lost.").waitFor();
    expect(await go.getAttribute("aria-disabled")).toBe("true");
    await dialog.getByLabel(/Destroy what is in there/).click();
    await go.click();
    await expect
      .poll(() => store.creation.built.map((b) => b.transition), { timeout: 20_000 })
      .toEqual(["stop", "start"]);
    expect(store.creation.built[1]).toMatchObject({
      allow_destroy_persistent: true,
      template_version_id: "33333333-3333-4333-8333-333333333333",
    });
    await page.getByText("Connected", { exact: true }).waitFor();
    await page.getByText("Update available").waitFor({ state: "detached" });
  });
});

test("a workspace and a port of it are shared and not shared any more", async () => {
  await visit("/@alice/api?tab=sharing", { as: "alice" }, async ({ page, store }) => {
    const id = store.workspaces.find((w) => w.name === "api")!.id;
    await page.getByLabel("Person or group…").selectOption("bob");
    await page.getByRole("button", { name: "Share", exact: true }).click();
    await page.getByLabel("Role of bob").selectOption("admin");
    await expect.poll(() => store.creation.acl.get(id)?.users?.[0]?.role).toBe("admin");
    await page.getByRole("button", { name: "Stop sharing with bob" }).click();
    await page.getByText("Nobody but the owner.").waitFor();
    await page.getByLabel("Port", { exact: true }).fill("3");
    await page.getByRole("button", { name: "Share port" }).click();
    await page.getByText("use 9 to 65535.").waitFor();
    await page.getByLabel("Port", { exact: true }).fill("3000");
    await page.getByRole("button", { name: "Share port" }).click();
    await page.getByLabel("Protocol of main 3000").selectOption("https");
    await expect.poll(() => store.creation.shares.get(id)?.[0]?.protocol).toBe("https");
    await page.getByLabel("Who reaches main 3000").selectOption("public");
    await page.getByText("The template allows sharing up to authenticated.").first().waitFor();
    await page.getByRole("button", { name: "Stop sharing main 3000" }).click();
    await page.getByText("No port is shared.").waitFor();
  });
});

test("outdated workspaces of the list are updated together", async () => {
  const store = seed();
  store.buildTime = 200;
  await visit("/workspaces", { as: "alice", store }, async ({ page }) => {
    await page.getByLabel("Select docs").click();
    await page.getByLabel("Select frontend").click();
    await page.getByRole("button", { name: "Update", exact: true }).click();
    await page.getByText("1 workspace is being updated").first().waitFor();
    expect(store.creation.built.map((b) => b.transition)).toEqual(["stop", "start"]);
  });
});
