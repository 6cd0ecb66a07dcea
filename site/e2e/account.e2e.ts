import { expect, test } from "vitest";
import { seed } from "../mock/seed";
import { newContext, visit, withBrowser } from "./harness";

withBrowser();

test("a bad user name is said beside its field, a good one is everywhere at once", async () => {
  await visit("/settings/account", { as: "alice" }, async ({ page }) => {
    await page.getByLabel("User name").fill("bob");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Is in use").waitFor();
    await page.getByLabel("User name").fill("alison");
    await page.getByLabel("Name", { exact: true }).fill("Alison <b>Case</b>");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("button", { name: "Menu of alison" }).click();
    await page.getByText("Alison <b>Case</b>").waitFor();
  });
});

test("the theme of the account is that of other browsers, except where they have their own", async () => {
  const store = seed();
  await visit("/settings/appearance", { as: "alice", store }, async (v) => {
    const theme = (page: typeof v.page) => page.locator("html").getAttribute("data-theme");
    await v.page.getByRole("radio", { name: /Dark/ }).click();
    await expect.poll(() => theme(v.page)).toBe("dark");
    await expect.poll(() => store.users[0]!.theme_preference).toBe("dark");
    const other = await newContext(v, { as: "alice" });
    const page = await other.newPage();
    await page.goto(`${v.url}/settings/appearance`);
    await page.getByRole("radio", { name: /Dark/ }).waitFor();
    await expect.poll(() => theme(page)).toBe("dark");
    await page.keyboard.press("t");
    await page.getByText("This browser has a choice of its own: Light.").waitFor();
    expect(await theme(page)).toBe("light");
    await page.getByRole("button", { name: "Use that of the account" }).click();
    await expect.poll(() => theme(page)).toBe("dark");
    await other.close();
  });
});

test("a theme that the server does not take goes back", async () => {
  const store = seed();
  store.failing.add("PUT /api/v2/users/{user}/appearance");
  await visit("/settings/appearance", { as: "alice", store }, async ({ page }) => {
    await page.getByRole("radio", { name: /Dark/ }).click();
    await page.getByText("The theme is not saved").first().waitFor();
    await expect.poll(() => page.getByRole("radio", { name: /System/ }).isChecked()).toBe(true);
    await expect.poll(() => page.locator("html").getAttribute("data-theme")).toBe(null);
  });
});

test("a password is judged as it is typed, and changed with the old one only", async () => {
  await visit("/settings/security", { as: "alice" }, async ({ page, store }) => {
    const fresh = page.getByLabel("New password", { exact: true });
    await fresh.fill("short");
    await page.getByText("Use at least 8 characters.").waitFor();
    await fresh.fill("long enough now");
    await page.getByText("The server takes it.").waitFor();
    await page.getByLabel("Present password").fill("wrong");
    await page.getByLabel("New password, again").fill("long enough no");
    await page.getByRole("button", { name: "Change password" }).click();
    await page.getByText("The two are not the same.").waitFor();
    await page.getByLabel("New password, again").fill("long enough now");
    await page.getByRole("button", { name: "Change password" }).click();
    await page.getByText("This is not your present password.").waitFor();
    await page.getByLabel("Present password").fill("hunter22-mock");
    await page.getByRole("button", { name: "Change password" }).click();
    await page.getByText("The password is changed.").first().waitFor();
    await expect.poll(() => page.getByRole("button", { name: /^End session/ }).count()).toBe(0);
    expect(store.users[0]!.password).toBe("long enough now");
  });
});

test("one session is ended, then all others; this one stays", async () => {
  await visit("/settings/security", { as: "alice" }, async ({ page, store }) => {
    await page.getByRole("row", { name: /this one/ }).waitFor();
    await page.getByRole("button", { name: "End session Xw3kP0aLq1" }).click();
    await page.getByText("The session is ended").first().waitFor();
    expect(store.sessions.has("alices-laptop")).toBe(false);
    await page.getByRole("button", { name: "End all others" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "End all others" }).click();
    await page.getByText("One session is ended").first().waitFor();
    await page.getByRole("row", { name: /this one/ }).waitFor();
    expect([...store.sessions.values()].filter((id) => id === store.users[0]!.id).length).toBe(1);
  });
});

test("a new SSH key is asked for twice, and replaces the old", async () => {
  await visit("/settings/ssh-keys", { as: "alice" }, async ({ page }) => {
    const shown = page.getByRole("group", { name: "Public key" });
    const before = await shown.textContent();
    await page.getByRole("button", { name: "Make a new key…" }).click();
    await page.getByText("Git over SSH fails in all your workspaces").waitFor();
    await page.getByRole("button", { name: "Make a new key", exact: true }).click();
    await page.getByText("There is a new key.").first().waitFor();
    await expect.poll(() => shown.textContent()).not.toBe(before);
  });
});

test("a token is made within its limits, shown once, ended and deleted", async () => {
  await visit("/settings/tokens", { as: "alice" }, async ({ page, store }) => {
    await page.getByRole("button", { name: "New token" }).click();
    await page.getByLabel("Name").fill("ci");
    await page.getByLabel("Lives for").selectOption("30 days");
    await page.getByRole("radio", { name: /Only what you choose/ }).click();
    await page.getByRole("button", { name: "Make the token" }).click();
    await page.getByText("Choose at least one.").waitFor();
    await page.getByLabel("Search permissions").fill("ssh");
    await page.getByLabel("workspace:ssh").click();
    await page.getByRole("radio", { name: /Only these things/ }).click();
    const thing = page.getByLabel("Thing", { exact: true });
    await thing.fill("rm -rf");
    await thing.press("Enter");
    await page.getByText("Write type:id or type:*.").waitFor();
    await thing.fill("workspace:*");
    await thing.press("Enter");
    await page.getByRole("button", { name: "Make the token" }).click();
    await page.getByText("Choose another name, or remove the old token.").waitFor();
    await page.getByLabel("Name").fill("nightly");
    await page.getByRole("button", { name: "Make the token" }).click();
    await page.getByText("Copy it now").waitFor();
    const secret = (await page.getByRole("group", { name: "The new token" }).textContent())!;
    expect(secret).toMatch(/xY-/);
    await page.getByRole("button", { name: "I have copied it" }).click();
    await page.getByRole("row", { name: /nightly/ }).waitFor();
    expect(await page.getByText(secret).count()).toBe(0);
    const made = store.accounts.tokens.find((t) => t.token_name === "nightly")!;
    expect([made.scopes, made.allow_list]).toEqual([["workspace:ssh"], [{ type: "workspace", id: "*" }]]);
    expect(Math.round((Date.parse(made.expires_at) - Date.now()) / 86_400_000)).toBe(30);

    await page.getByRole("button", { name: "Actions for ci" }).click();
    await page.getByRole("menuitem", { name: "End it now" }).click();
    await expect.poll(() => page.getByRole("row", { name: /tk0000ci01/ }).count()).toBe(0);
    await page.getByLabel("Expired ones too").click();
    await page.getByRole("row", { name: /tk0000ci01.*expired/ }).waitFor();
    await page.getByRole("button", { name: "Actions for ci" }).click();
    await page.getByRole("menuitem", { name: "Delete…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await expect.poll(() => page.getByRole("row", { name: /tk0000ci01/ }).count()).toBe(0);
  });
});

test("tokens of everybody are for who may see them, by owner", async () => {
  const store = seed();
  await visit("/settings/tokens", { as: "alice", store }, async (v) => {
    await v.page.getByLabel("Tokens of everybody").click();
    await v.page.getByRole("row", { name: /<b>bobs<\/b>/ }).waitFor();
    await v.page.getByLabel("Owner").fill("BO");
    await expect.poll(() => v.page.getByRole("row", { name: /tk0000ci01/ }).count()).toBe(0);
    await v.page.getByRole("row", { name: /<b>bobs<\/b>/ }).waitFor();
    const bob = await newContext(v, { as: "bob" });
    const page = await bob.newPage();
    await page.goto(`${v.url}/settings/tokens`);
    await page.getByRole("row", { name: /<b>bobs<\/b>/ }).waitFor();
    expect(await page.getByLabel("Tokens of everybody").count()).toBe(0);
    await bob.close();
  });
});

test("a sign-in elsewhere by code waits for it, and one is signed out again", async () => {
  await visit("/settings/external-auth", { as: "bob" }, async ({ page, store }) => {
    await page.getByRole("button", { name: "With a code: sign in to GitHub" }).click();
    await page.getByText("ABCD-1234").waitFor();
    expect(await page.getByRole("link", { name: "Open the page" }).getAttribute("href")).toBe(
      "https://example.test/device",
    );
    store.accounts.entered = true;
    await page.getByText("Signed in as alice-elsewhere").waitFor();
    await page.getByRole("button", { name: "Sign out of GitHub" }).click();
    await page.getByText("The service is told that the token is void.").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
    await expect.poll(() => page.getByText("Signed in as").count()).toBe(0);
    expect(store.accounts.links.some((l) => l.user_id === store.users[1]!.id)).toBe(false);
  });
});

test("a sign-in elsewhere leaves for the service", async () => {
  await visit("/settings/external-auth", { as: "bob" }, async ({ page }) => {
    await page.getByRole("button", { name: "Sign in to GitLab" }).click();
    await page.waitForURL(/\/settings\/external-auth#there$/);
  });
});

test("a session token for a command line is made by a click alone, and works", async () => {
  await visit("/cli-auth", { as: "alice" }, async ({ page, store }) => {
    const before = store.sessions.size;
    await page.getByText("coder login").waitFor();
    expect(store.sessions.size).toBe(before);
    await page.getByRole("button", { name: "Make a session token" }).click();
    const token = (await page.getByRole("group", { name: "Your session token" }).textContent())!;
    expect(store.sessions.get(token)).toBe(store.users[0]!.id);
    await page.reload();
    await page.getByRole("button", { name: "Make a session token" }).waitFor();
    expect(await page.getByText(token).count()).toBe(0);
  });
});

test("the palette leads to settings, organizations, templates and a new workspace", async () => {
  await visit("/workspaces", { as: "alice" }, async ({ page }) => {
    await page.getByRole("row", { name: /frontend/ }).waitFor();
    const go = async (text: string, name: string) => {
      await page.keyboard.press("Control+k");
      await page.getByRole("dialog").getByRole("combobox").fill(text);
      // There is one for each organization.
      await page.getByRole("option", { name, exact: true }).first().click();
    };
    await go("ssh", "SSH key");
    await page.waitForURL(/\/settings\/ssh-keys$/);
    await go("jobs", "Provisioner jobs");
    await page.waitForURL(/\/organizations\/default\/provisioner-jobs$/);
    await go("new aws", "New workspace from Linux machine on AWS");
    await page.waitForURL(/\/templates\/default\/aws-vm\/workspace$/);
  });
});
