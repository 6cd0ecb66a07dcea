import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { seed } from "../mock/seed";
import { readTar } from "../src/lib/tar";
import { visit, withBrowser } from "./harness";

withBrowser();

const docker = "/templates/default/docker";

test("the search is in the URL and says what it does not know", async () => {
  await visit("/templates", { as: "alice" }, async ({ page }) => {
    await page.getByRole("row", { name: /Docker container/ }).waitFor();
    await page.getByRole("searchbox").fill("machine");
    await page.getByText("1 template", { exact: true }).waitFor();
    await page.getByRole("searchbox").fill("deprecated:true");
    await page.getByRole("row", { name: /Kubernetes/ }).waitFor();
    await expect.poll(() => new URL(page.url()).searchParams.get("filter")).toBe("deprecated:true");
    expect(await page.getByRole("button", { name: /New workspace of Kube/ }).getAttribute("aria-disabled")).toBe(
      "true",
    );
    await page.getByRole("searchbox").fill("color:blue");
    await page.getByText('"color" is not a filter').waitFor();
    await page.getByRole("searchbox").fill("");
    await page.getByRole("link", { name: "Docker container", exact: true }).click();
    await page.getByRole("heading", { name: "What you get" }).waitFor();
  });
});

test("a README shows elements, and what would do harm as text", async () => {
  await visit(docker, { as: "alice" }, async ({ page }) => {
    const readme = page.getByRole("article", { name: "README" });
    await readme.getByRole("heading", { name: "What you get" }).waitFor();
    await readme.getByText('<script>alert("README")</script>').waitFor();
    expect(await readme.getByRole("link").evaluateAll((all) => all.map((a) => (a as HTMLAnchorElement).href))).toEqual([
      "https://coder.example/code-server",
      "https://pictures.example/a.png",
    ]);
    expect(await readme.locator("img, script").count()).toBe(0);
    expect(await readme.getByText("nobody reads this").count()).toBe(0);
  });
});

test("a README that cannot be read in time is shown as it is written", async () => {
  const store = seed();
  store.templating.versions.find((v) => v.name === "bold_ferris4")!.readme = ">".repeat(120_000);
  await visit(docker, { as: "alice", store }, async ({ page }) => {
    await page.getByRole("article").locator("pre").getByText(">>>>").waitFor();
    await page.getByRole("link", { name: "Files", exact: true }).click();
    await page.getByRole("link", { name: "main.tf" }).waitFor();
  });
});

test("files are chosen in the URL, shown with numbers and downloaded", async () => {
  await visit(`${docker}/files`, { as: "alice" }, async ({ page }) => {
    await page.getByRole("link", { name: "check.sh" }).click();
    await page.getByRole("group", { name: "scripts/nested/deep/check.sh" }).getByText("#!/bin/sh").waitFor();
    expect(new URL(page.url()).searchParams.get("file")).toBe("scripts/nested/deep/check.sh");
    await page.getByRole("link", { name: "logo.png" }).click();
    await page.getByText("The file is no text").waitFor();
    await page.getByLabel("Version", { exact: true }).selectOption("brave_noether1");
    await page.getByRole("link", { name: "old.tf" }).click();
    await page.getByText("# to be removed").waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("docker-brave_noether1.tar");
    const names = readTar(new Uint8Array(readFileSync(await download.path()))).map((f) => f.name);
    expect(names).toContain("old.tf");
  });
});

test("who may not read the files is told so, in place", async () => {
  await visit(`${docker}/files`, { as: "bob" }, async ({ page }) => {
    await page.getByRole("alert").getByText("File not found").waitFor();
    await page.getByRole("heading", { name: "Docker container" }).waitFor();
  });
});

test("a version is made active, archived and brought back", async () => {
  await visit(`${docker}/versions`, { as: "alice" }, async ({ page, store }) => {
    const row = page.getByRole("row", { name: /swift_hopper2/ });
    await row.getByRole("button", { name: "Actions for swift_hopper2" }).click();
    await page.getByRole("menuitem", { name: "Make active" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Make active" }).click();
    await row.getByText("Active", { exact: true }).waitFor();
    expect(store.templates[0]!.active_version_id).not.toBe("33333333-3333-4333-8333-333333333333");
    const old = page.getByRole("row", { name: /brave_noether1/ });
    await old.getByRole("button", { name: "Actions for brave_noether1" }).click();
    await page.getByRole("menuitem", { name: "Archive" }).click();
    await old.waitFor({ state: "detached" });
    await page.getByLabel("Show archived").click();
    await old.getByText("Archived").waitFor();
  });
});

test("a version is renamed; a taken name is said at the field", async () => {
  await visit(`${docker}/versions/swift_hopper2`, { as: "alice" }, async ({ page }) => {
    await page.getByRole("button", { name: "Actions for swift_hopper2" }).click();
    await page.getByRole("menuitem", { name: /Edit name/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("brave_noether1");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByText("is taken").waitFor();
    await dialog.getByLabel("Name").fill("winter");
    await dialog.getByLabel("Message").fill("For winter");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.waitForURL(/\/versions\/winter$/);
    await page.getByText("For winter").waitFor();
  });
});

test("two versions are compared, file by file", async () => {
  await visit(`${docker}/versions/bold_ferris4`, { as: "alice" }, async ({ page }) => {
    await page.getByLabel("Compared with").selectOption("brave_noether1");
    await page.getByText("6 files differ").waitFor();
    const changes = page.getByRole("navigation", { name: "Changes" });
    await changes.getByRole("link", { name: /setup.sh changed/ }).click();
    const diff = page.getByRole("group", { name: "scripts/setup.sh" });
    await diff.getByText("apt-get install -y git curl").waitFor();
    await page.getByText("+2", { exact: true }).waitFor();
    expect(Object.fromEntries(new URL(page.url()).searchParams)).toEqual({
      compare: "brave_noether1",
      file: "scripts/setup.sh",
    });
    await changes.getByRole("link", { name: /old.tf removed/ }).click();
    await page.getByText("# to be removed").waitFor();
  });
});

test("settings are saved, refused at the field, and the address follows the name", async () => {
  await visit(`${docker}/settings`, { as: "alice" }, async ({ page, store }) => {
    await page.getByLabel("Icon").fill("nowhere");
    await page.getByLabel("Starts use the active version").click();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("must be a path that starts with /").waitFor();
    await page.getByLabel("Icon").fill("/icon.svg");
    await page.getByLabel("Name", { exact: true }).fill("containers");
    await page.getByRole("button", { name: "Save" }).click();
    await page.waitForURL(/\/templates\/default\/containers\/settings$/);
    await page.getByRole("heading", { name: "Docker container" }).waitFor();
    const saved = store.templates[0]!;
    expect([saved.name, saved.icon, saved.require_active_version]).toEqual(["containers", "/icon.svg", true]);
  });
});

test("values of variables make a version, which is followed and made active", async () => {
  await visit(`${docker}/settings/variables`, { as: "alice" }, async ({ page, store }) => {
    const make = page.getByRole("button", { name: "Make a version with these values" });
    await page.getByLabel("registry", { exact: true }).fill("registry.example");
    await page.getByLabel("gpu").selectOption("true");
    await make.click();
    await page.getByText(/is ready$/).waitFor();
    await page.getByText("Plan: 3 to add").waitFor();
    await page.getByRole("button", { name: "Make active" }).click();
    await page
      .getByText(/is active now/)
      .first()
      .waitFor();
    const active = store.templates[0]!.active_version_id;
    const values = store.templating.variables.get(active)!.map((v) => v.value);
    expect(values).toEqual(["registry.example", "", "true", '{"team":"platform"}']);
    await expect.poll(() => page.getByLabel("registry", { exact: true }).inputValue()).toBe("registry.example");
  });
});

test("people and groups get roles, at once", async () => {
  await visit(`${docker}/settings/permissions`, { as: "alice" }, async ({ page, store }) => {
    const list = page.getByRole("list", { name: "Permissions" });
    await page.getByLabel("Search people and groups", { exact: true }).first().fill("car");
    await page.getByRole("button", { name: "Add carol" }).click();
    await list.getByLabel("Role of carol").selectOption("Administrate");
    await page.getByRole("button", { name: "Remove Everyone" }).click();
    await list.getByText("Everyone", { exact: true }).waitFor({ state: "detached" });
    const id = store.templates[0]!.id;
    await expect
      .poll(() => store.templating.acl.get(id)!.users!.map((u) => `${u.username} ${u.role}`))
      .toEqual(["bob admin", "carol admin"]);
    await expect.poll(() => store.templating.acl.get(id)!.group).toEqual([]);
  });
});

test("a template that is used is not deleted, and says why; another is", async () => {
  await visit(docker, { as: "alice" }, async ({ page, url }) => {
    const remove = async (name: string) => {
      await page.getByRole("button", { name: "More actions" }).click();
      await page.getByRole("menuitem", { name: "Delete…" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel(`Type ${name} to confirm`).fill(name);
      await dialog.getByRole("button", { name: "Delete" }).click();
      return dialog;
    };
    const dialog = await remove("docker");
    await dialog.getByText(/is used by \d+ workspace/).waitFor();
    await page.goto(`${url}/templates/default/kubernetes-old`);
    await remove("kubernetes-old");
    await page.getByText("3 templates", { exact: true }).waitFor();
  });
});

test("the embedded link has what was filled in", async () => {
  await visit(`${docker}/embed`, { as: "alice" }, async ({ page }) => {
    await page.getByLabel("Region").fill("a&b");
    const link = page.getByRole("group", { name: "Link" });
    await link.getByText("param.region=a%26b").waitFor();
    expect(await link.textContent()).toContain("/templates/default/docker/workspace?mode=manual&param.region=a%26b");
    await page.getByRole("group", { name: "Markdown" }).getByText("open-in-coder.svg").waitFor();
  });
});
