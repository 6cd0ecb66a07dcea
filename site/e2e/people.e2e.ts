import { expect, test } from "vitest";
import { seed } from "../mock/seed";
import { addUser } from "../mock/users";
import { visit, withBrowser } from "./harness";

withBrowser();

test("users are searched by the words of the API, in the URL", async () => {
  await visit("/deployment/users", { as: "alice" }, async ({ page }) => {
    await page.getByText("8 users", { exact: true }).waitFor();
    await page.getByLabel("Status").selectOption("Suspended");
    await page.getByText("1 user", { exact: true }).waitFor();
    expect(new URL(page.url()).searchParams.get("q")).toBe("status:suspended");
    await page.getByRole("searchbox").fill("color:blue");
    await page.getByText('"color" is unknown').waitFor();
    await page.getByRole("searchbox").fill("gra");
    await page.getByRole("row", { name: /grace/ }).waitFor();
    await page.getByText("1 user", { exact: true }).waitFor();
    await page.getByRole("searchbox").fill("");
    await page.getByLabel("Last seen").selectOption("Not seen for 90 days");
    await page.getByText("1 user", { exact: true }).waitFor();
    await page.getByRole("row", { name: /erin/ }).waitFor();
    expect(new URL(page.url()).searchParams.get("q")).toMatch(/^last_seen_before:\d{4}-\d\d-\d\d$/);
  });
});

test("a long list comes in pages", async () => {
  const store = seed();
  for (let i = 0; i < 60; i++) addUser(store, `u${String(i).padStart(2, "0")}`, `u${i}@example.test`, "x");
  await visit("/deployment/users", { as: "alice", store }, async ({ page }) => {
    await page.getByText("1 – 50 of 68").waitFor();
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByText("51 – 68 of 68").waitFor();
    await page.getByRole("row", { name: /u59/ }).waitFor();
    await page.getByRole("button", { name: "Previous" }).click();
    await page.getByRole("row", { name: /alice/ }).waitFor();
  });
});

test("a user is made: bad input is said at its field, and the password is told once", async () => {
  await visit("/deployment/users", { as: "alice" }, async ({ page, store }) => {
    await page.getByRole("button", { name: "New user" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Username").fill("heidi!");
    await dialog.getByLabel("E-mail address").fill("heidi@example.test");
    await dialog.getByLabel("Password", { exact: true }).fill("aaaaaaaa");
    await dialog.getByText("Use at least 5 different characters.").waitFor();
    await dialog.getByRole("button", { name: "Make one up" }).click();
    await dialog.getByText("This will do.").waitFor();
    const password = await dialog.getByLabel("Password", { exact: true }).inputValue();
    expect(password).toHaveLength(20);
    await dialog.getByLabel("Auditor").click();
    await dialog.getByRole("button", { name: "Create user" }).click();
    await dialog.getByText("Use letters, digits and single hyphens").waitFor();
    await dialog.getByLabel("Username").fill("heidi");
    await dialog.getByRole("button", { name: "Create user" }).click();
    await page.getByRole("dialog", { name: "heidi is made" }).getByText(password).waitFor();
    await page.getByRole("button", { name: "Open the user" }).click();
    await page.getByRole("heading", { name: /heidi/ }).waitFor();
    expect(store.users.find((u) => u.username === "heidi")?.roles?.map((r) => r.name)).toEqual(["auditor"]);
  });
});

test("a service account needs a name only", async () => {
  await visit("/deployment/users", { as: "alice" }, async ({ page, store }) => {
    await page.getByRole("button", { name: "New user" }).click();
    await page.getByLabel("What it is").selectOption("service");
    expect(await page.getByLabel("E-mail address").count()).toBe(0);
    await page.getByLabel("Username").fill("robot");
    await page.getByRole("button", { name: "Create user" }).click();
    await page.getByRole("dialog", { name: "robot is made" }).waitFor();
    expect(store.users.find((u) => u.username === "robot")?.is_service_account).toBe(true);
  });
});

test("a user gets roles, is suspended after a question, and is active again", async () => {
  await visit("/deployment/users/grace", { as: "alice" }, async ({ page, store }) => {
    const grace = store.users.find((u) => u.username === "grace")!;
    await page.getByLabel("User Admin", { exact: true }).click();
    const roles = page.locator("section", { has: page.getByRole("heading", { name: "Roles in the deployment" }) });
    await roles.getByRole("button", { name: "Save" }).click();
    await page.getByText("The roles are set", { exact: true }).first().waitFor();
    expect(grace.roles?.map((r) => r.name)).toEqual(["user-admin", "template-admin", "auditor"]);
    await page.getByRole("button", { name: "Suspend…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Suspend" }).click();
    await page.getByText("They cannot sign in, and").waitFor();
    expect(grace.status).toBe("suspended");
    await page.getByRole("button", { name: "Activate" }).click();
    await page.getByText("They can sign in.", { exact: true }).waitFor();
  });
});

test("what keeps a user from being deleted is said; another goes after their name was typed", async () => {
  await visit("/deployment/users/bob", { as: "alice" }, async ({ page, store }) => {
    await page.getByText("They have a workspace. Delete it first.").first().waitFor();
    expect(await page.getByRole("button", { name: "Delete…" }).getAttribute("aria-disabled")).toBe("true");
    await page.getByRole("link", { name: "Users", exact: true }).first().click();
    await page.getByRole("link", { name: "mallory" }).click();
    await page.getByRole("button", { name: "Delete…" }).click();
    const dialog = page.getByRole("dialog", { name: "Delete mallory?" });
    expect(await dialog.getByRole("button", { name: "Delete" }).isDisabled()).toBe(true);
    await dialog.getByLabel("Type mallory to confirm").fill("mallory");
    await dialog.getByRole("button", { name: "Delete" }).click();
    await page.getByText("7 users", { exact: true }).waitFor();
    expect(store.users.some((u) => u.username === "mallory")).toBe(false);
  });
});

test("many are suspended at once; the server's refusal of one is told", async () => {
  await visit("/deployment/users", { as: "alice" }, async ({ page, store }) => {
    for (const name of ["alice", "bob", "carol"]) await page.getByLabel(`Select ${name}`).click();
    await page.getByRole("button", { name: "Suspend…" }).click();
    await page.getByRole("dialog", { name: "Suspend 3 users?" }).getByRole("button", { name: "Suspend" }).click();
    await page.getByText("1 of 3 were refused").first().waitFor();
    await page.getByText("alice: You cannot suspend yourself").first().waitFor();
    await page.getByRole("row", { name: /bob/ }).getByText("Suspended").waitFor();
    expect(store.users.filter((u) => u.status === "suspended").map((u) => u.username)).toEqual([
      "bob",
      "carol",
      "mallory",
    ]);
  });
});

test("who may not make users is told so at the button", async () => {
  await visit("/deployment/users", { as: "carol" }, async ({ page }) => {
    await page.getByText("1 user", { exact: true }).waitFor();
    const button = page.getByRole("button", { name: "New user" });
    await expect.poll(() => button.getAttribute("aria-disabled")).toBe("true");
    await button.focus();
    await page.getByRole("tooltip", { name: /does not let you create users/ }).waitFor();
  });
});

test("members are added by search or by name, get roles, and leave", async () => {
  await visit("/organizations/research-lab", { as: "alice" }, async ({ page, store }) => {
    await page.getByText("1 member", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Add member" }).click();
    await page.getByRole("combobox", { name: "Username" }).fill("gra");
    await page.getByRole("option", { name: /grace/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Add", exact: true }).click();
    await page.getByRole("row", { name: /grace/ }).waitFor();
    await page.getByRole("button", { name: "Add member" }).click();
    await page.getByRole("combobox", { name: "Username" }).fill("nobody");
    await page.getByRole("dialog").getByRole("button", { name: "Add", exact: true }).click();
    await page.getByRole("dialog").getByText("User not found").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Actions for grace" }).click();
    await page.getByRole("menuitem", { name: "Edit roles…" }).click();
    await page.getByRole("dialog").getByLabel("Organization Auditor").click();
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.getByRole("row", { name: /grace/ }).getByText("Organization Auditor").locator("visible=true").waitFor();
    await page.getByRole("button", { name: "Actions for grace" }).click();
    await page.getByRole("menuitem", { name: "Remove…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.getByText("1 member", { exact: true }).waitFor();
    expect(store.users.find((u) => u.username === "grace")?.organization_ids).toHaveLength(1);
  });
});

test("a group is made, gets members and an allowance, and is deleted", async () => {
  await visit("/organizations/default/groups", { as: "alice" }, async ({ page, store }) => {
    await page.getByRole("button", { name: "New group" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name", { exact: true }).fill("two--dashes");
    await dialog.getByRole("button", { name: "Create group" }).click();
    await dialog.getByText("Use letters, digits and single hyphens").waitFor();
    await dialog.getByLabel("Name", { exact: true }).fill("writers");
    await dialog.getByLabel("Allowance").fill("7");
    await dialog.getByRole("button", { name: "Create group" }).click();
    await page.getByRole("heading", { name: "writers" }).waitFor();
    await page.getByRole("combobox", { name: "Add somebody" }).fill("bob");
    await page.getByRole("option", { name: /bob/ }).click();
    const members = page.getByRole("list", { name: "Members" });
    await members.getByText("bob", { exact: true }).waitFor();
    const group = store.people.groups.find((g) => g.name === "writers")!;
    expect(group.users).toEqual([store.users.find((u) => u.username === "bob")!.id]);
    expect(group.quota_allowance).toBe(7);
    await page.getByRole("button", { name: "Remove bob from the group" }).click();
    await page.getByText("Nobody is in this group yet.").waitFor();
    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByLabel("Type writers to confirm").fill("writers");
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("4 groups", { exact: true }).waitFor();
  });
});

test("a custom role is made of resources and actions, changed and deleted", async () => {
  await visit("/organizations/default/roles", { as: "alice" }, async ({ page, store }) => {
    await page.getByRole("button", { name: "New role" }).click();
    await page.getByLabel("Name", { exact: true }).fill("reader");
    await page
      .getByRole("row", { name: /Template/ })
      .getByLabel("Read")
      .click();
    await page.getByLabel("All of Audit log").click();
    await page
      .getByRole("tab", { name: /Their own/ })
      .first()
      .click();
    await page
      .getByRole("row", { name: /Workspace/ })
      .getByLabel("SSH")
      .click();
    await page.getByText("3 permissions chosen").waitFor();
    await page.getByRole("button", { name: "Create role" }).click();
    await page.getByRole("link", { name: "reader" }).waitFor();
    const role = store.people.roles.find((r) => r.name === "reader")!;
    expect(role.organization_permissions).toEqual([
      { resource_type: "audit_log", action: "read" },
      { resource_type: "template", action: "read" },
    ]);
    expect(role.organization_member_permissions).toEqual([{ resource_type: "workspace", action: "ssh" }]);
    await page.getByRole("link", { name: "reader" }).click();
    await page.getByLabel("All of Audit log").click();
    await page.getByRole("button", { name: "Save role" }).click();
    await page
      .getByRole("row", { name: /reader/ })
      .getByText("2 permissions")
      .waitFor();
    await page.getByRole("link", { name: "reader" }).click();
    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByLabel("Type reader to confirm").fill("reader");
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByRole("link", { name: "Template pusher" }).waitFor();
    expect(await page.getByRole("link", { name: "reader" }).count()).toBe(0);
  });
});

test("an organization is made, renamed, restricted and deleted", async () => {
  await visit("/organizations", { as: "alice" }, async ({ page, store }) => {
    await page.getByRole("button", { name: /Switch organization: Example Works/ }).click();
    await page.getByRole("menuitem", { name: "New organization" }).click();
    await page.getByLabel("Name", { exact: true }).fill("acme");
    await page.getByLabel("Display name").fill("Acme");
    await page.getByRole("button", { name: "Create organization" }).click();
    await page.getByText("1 member", { exact: true }).waitFor();
    await page.getByRole("link", { name: "Settings" }).click();
    await page.getByLabel("Name", { exact: true }).fill("acme-two");
    await page.getByRole("button", { name: "Save" }).first().click();
    await page.waitForURL(/\/organizations\/acme-two\/settings$/);
    await page.getByLabel("None", { exact: true }).click();
    await page.getByRole("dialog", { name: "Restrict sharing?" }).getByRole("button", { name: "Restrict" }).click();
    await page.getByText("The rule is set", { exact: true }).first().waitFor();
    expect([...store.people.sharing.values()]).toEqual(["none"]);
    await page.getByLabel("Allowance of every member").fill("9");
    await page.locator("form", { hasText: "Allowance of every member" }).getByRole("button", { name: "Save" }).click();
    await expect.poll(() => store.people.groups.find((g) => g.organization_name === "acme")?.quota_allowance).toBe(9);
    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByLabel("Type acme-two to confirm").fill("acme-two");
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByRole("button", { name: /Switch organization: Example Works/ }).waitFor();
    expect(store.people.organizations.map((o) => o.name)).toEqual(["default", "research-lab"]);
  });
});
