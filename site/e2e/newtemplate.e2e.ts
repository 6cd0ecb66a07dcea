import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readFiles } from "../src/lib/archive";
import { writeTar } from "../src/lib/tar";
import { visit, withBrowser } from "./harness";

withBrowser();

const path = "/templates/new";

test("a starter becomes a template; a name that is taken needs no second build", async () => {
  await visit(path, { as: "alice" }, async ({ page, store }) => {
    await page.getByRole("button", { name: "Read Docker containers" }).click();
    await page
      .getByRole("dialog", { name: "README of Docker containers" })
      .getByRole("button", { name: "Use" })
      .click();
    await page.getByLabel("Name", { exact: true }).waitFor();
    expect(await page.getByLabel("Name", { exact: true }).inputValue()).toBe("docker");
    expect(await page.getByLabel("Display name").inputValue()).toBe("Docker containers");
    await page.getByRole("button", { name: "Create template" }).click();
    await page.getByText("the organization has a template docker already").waitFor();
    await page.getByText("The first version is built").waitFor();
    await page.getByLabel("Name", { exact: true }).fill("docker-two");
    await page.getByRole("button", { name: "Create template" }).click();
    await page.waitForURL(/\/templates\/default\/docker-two$/);
    expect(store.imports.versions.size).toBe(1);
    expect(store.templates.at(-1)!.name).toBe("docker-two");
  });
});

test("an archive is uploaded; its error has file and line; missing variables are asked for", async () => {
  await visit(path, { as: "alice" }, async ({ page, store }) => {
    const choose = async (content: string) => {
      const buffer = Buffer.from(writeTar([{ name: "top/main.tf", content }]));
      const file = { name: "Mine Own.tar", mimeType: "application/x-tar", buffer };
      await page.getByLabel("Choose an archive").last().setInputFiles(file);
    };
    await choose('resource "x" "y" {\n  oss = 1\n}\n');
    await page.getByText("Mine Own.tar, 1 file").waitFor();
    expect(await page.getByLabel("Name", { exact: true }).inputValue()).toBe("mine-own");
    await page.getByRole("button", { name: "Create template" }).click();
    await page.getByText("main.tf:2").waitFor();
    await page.getByRole("button", { name: "Change" }).click();
    await choose('variable "token" {}\n');
    await page.getByRole("button", { name: "Create template" }).click();
    await page.getByLabel("token").fill("sesame");
    await page.getByRole("button", { name: "Build again" }).click();
    await page.waitForURL(/\/templates\/default\/mine-own$/);
    const last = [...store.imports.versions.values()].at(-1)!;
    expect(last.values).toEqual({ token: "sesame" });
    // The folder around everything is gone.
    const sent = await readFiles(
      new Uint8Array(await store.imports.files.get(last.version.job.file_id)!.arrayBuffer()),
    );
    expect(sent.map((f) => f.name)).toEqual(["main.tf"]);
  });
});

test("a folder is uploaded without state and caches", async () => {
  const dir = mkdtempSync(join(tmpdir(), "folder-"));
  try {
    mkdirSync(join(dir, ".terraform"));
    writeFileSync(join(dir, "main.tf"), "# main\n");
    writeFileSync(join(dir, "run.sh"), "#!/bin/sh\n");
    writeFileSync(join(dir, "terraform.tfstate"), "{}");
    writeFileSync(join(dir, ".terraform/provider"), "x");
    await visit(path, { as: "alice" }, async ({ page, store }) => {
      await page.getByLabel("Choose a folder").last().setInputFiles(dir);
      await page.getByText(/folder-\w+, 2 files/).waitFor();
      await page.getByLabel("Name", { exact: true }).fill("folder");
      await page.getByRole("button", { name: "Create template" }).click();
      await page.waitForURL(/\/templates\/default\/folder$/);
      const { version } = [...store.imports.versions.values()].at(-1)!;
      const sent = await readFiles(new Uint8Array(await store.imports.files.get(version.job.file_id)!.arrayBuffer()));
      expect(sent.map((f) => [f.name, f.executable])).toEqual([
        ["main.tf", false],
        ["run.sh", true],
      ]);
    });
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("from scratch leads to the editor", async () => {
  await visit(path, { as: "alice" }, async ({ page }) => {
    await page.getByRole("button", { name: "From scratch" }).click();
    await page.getByLabel("Name", { exact: true }).fill("fresh");
    await page.getByRole("button", { name: "Create template" }).click();
    await page.waitForURL(/\/templates\/default\/fresh\/versions\/[\w-]+\/edit$/);
    await page.getByRole("textbox", { name: "Text of main.tf" }).getByText("coder_workspace_owner").waitFor();
  });
});

test("what is no template is refused before it is sent", async () => {
  await visit(path, { as: "alice" }, async ({ page, store }) => {
    const choose = (name: string, buffer: Buffer) =>
      page.getByLabel("Choose an archive").last().setInputFiles({ name, mimeType: "application/x-tar", buffer });
    await choose("x.tar", Buffer.from("<html>".repeat(200)));
    await page.getByText(/The archive is damaged/).waitFor();
    await choose("y.tar", Buffer.from(writeTar([{ name: "README.md", content: "x" }])));
    await page.getByText("There is no .tf file at the top of it.").waitFor();
    await choose("large.tar", Buffer.from(writeTar([{ name: "main.tf", content: new Uint8Array(11 << 20) }])));
    await page.getByRole("button", { name: "Create template" }).click();
    await page.getByRole("alert").getByText("the server takes 10 MiB").waitFor();
    expect(store.imports.files.size).toBe(0);
  });
});

test("a starter that is gone, and starters that cannot be read", async () => {
  await visit(`${path}?from=gone`, { as: "alice" }, async ({ page }) => {
    await page.getByText("There is no starter gone").waitFor();
    await page.getByRole("button", { name: "Use Docker containers" }).waitFor();
  });
});
