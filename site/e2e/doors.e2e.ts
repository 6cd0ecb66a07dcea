import { expect, test } from "vitest";
import { newStore, touch } from "../mock/store";
import { visit, withBrowser } from "./harness";

withBrowser();

test("the first user is made, signed in and shown the next step", async () => {
  await visit("/", { store: newStore() }, async ({ page, store }) => {
    await page.getByLabel("User name").fill("Not a name!");
    await page.getByLabel("E-mail").fill("ada@example.test");
    await page.getByLabel("Password").fill("short");
    await page.getByRole("button", { name: "Make the account" }).click();
    await page.getByText("use letters, digits and hyphens.").waitFor();
    await page.getByLabel("User name").fill("ada");
    await page.getByRole("button", { name: "Make the account" }).click();
    await page.getByText("use at least 8 characters.").waitFor();
    await page.getByLabel("Password").fill("long enough");
    await page.getByLabel("Password").press("Enter");
    await page.getByText("coder templates push").waitFor();
    expect(store.users.map((u) => u.username)).toEqual(["ada"]);
  });
});

test("a wrong password is said once, with the request; the right one leads back", async () => {
  await visit("/@alice/api?tab=builds", {}, async ({ page }) => {
    await page.waitForURL(/\/login\?redirect=/);
    await page.getByLabel("E-mail").fill("alice@example.test");
    await page.getByLabel("Password").fill("wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    const alert = page.getByRole("alert");
    await alert.getByText("password is wrong").waitFor();
    expect(await alert.count()).toBe(1);
    expect(await alert.textContent()).toMatch(/mock-\d+/);
    await page.getByLabel("Password").fill("hunter22-mock");
    await page.getByLabel("Password").press("Enter");
    await page.waitForURL(/\/@alice\/api\?tab=builds$/);
    await page.getByText("Where the time went").waitFor();
  });
});

test.each(["//evil.example/x", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])(
  "after %s one lands here",
  async (evil) => {
    await visit(`/login?redirect=${encodeURIComponent(evil)}`, {}, async ({ page, url }) => {
      await page.getByLabel("E-mail").fill("alice@example.test");
      await page.getByLabel("Password").fill("hunter22-mock");
      await page.getByLabel("Password").press("Enter");
      await page.getByRole("row", { name: /frontend/ }).waitFor();
      expect(page.url()).toBe(`${url}/workspaces`);
    });
  },
);

test("an ended session leads to the login and back to the same place", async () => {
  await visit("/workspaces?filter=status%3Astopped", { as: "alice" }, async ({ page, store }) => {
    await page.getByRole("row", { name: /frontend/ }).waitFor();
    store.sessions.clear();
    touch(store); // its streams end
    await page.waitForURL(/\/login\?redirect=/);
    await page.getByText("Sign in to go on where you were.").waitFor();
    await page.getByLabel("E-mail").fill("alice@example.test");
    await page.getByLabel("Password").fill("hunter22-mock");
    await page.getByLabel("Password").press("Enter");
    await page.getByRole("row", { name: /frontend/ }).waitFor();
    expect(new URL(page.url()).searchParams.get("filter")).toBe("status:stopped");
  });
});

test("signing out and in as somebody else in one tab takes the other tab along", async () => {
  await visit("/workspaces", { as: "alice" }, async ({ page, context, url }) => {
    await page.getByRole("row", { name: /frontend/ }).waitFor();
    const other = await context.newPage();
    await other.goto(`${url}/workspaces`);
    await other.getByRole("row", { name: /frontend/ }).waitFor();
    await page.getByRole("button", { name: "Menu of alice" }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.getByLabel("E-mail").fill("bob@example.test");
    await other.getByLabel("E-mail").waitFor();
    await page.getByLabel("Password").fill("hunter22-mock");
    await page.getByLabel("Password").press("Enter");
    await page.getByRole("row", { name: /bobs-lab/ }).waitFor();
    await other
      .getByRole("row", { name: /bobs-lab/ })
      .or(other.getByLabel("E-mail"))
      .waitFor();
    expect(await other.getByRole("row", { name: /frontend/ }).count()).toBe(0);
  });
});
