import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { readFiles } from "../src/lib/archive";
import { editable, editor, mainTf } from "./editing";
import { visit, withBrowser } from "./harness";

withBrowser();

const text = (page: Page, path = "main.tf") => page.getByRole("textbox", { name: `Text of ${path}` });
const file = (page: Page, name: string) =>
  page.getByRole("navigation", { name: "Files" }).getByRole("button", { name, exact: false }).first();
const state = (page: Page, word: string) => page.getByRole("status").getByText(word, { exact: true });

/** write puts the cursor at the end of the file and types there. */
async function write(page: Page, words: string, path = "main.tf") {
  await text(page, path).click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type(words);
}

test("a change is built, its error leads to its line, and what is built is published", async () => {
  const store = await editable();
  await visit(editor, { as: "alice", store }, async ({ page }) => {
    await text(page).getByText("required_providers").waitFor();
    await write(page, "oss = 1");
    await page.getByText("1 not built yet").waitFor();
    await page.keyboard.press("Control+s");
    await state(page, "Failed").waitFor();
    await file(page, "README.md").click();
    await text(page, "README.md").waitFor();
    const line = mainTf.split("\n").length;
    await page.getByRole("button", { name: `main.tf:${line}` }).click();
    await text(page).waitFor();
    await expect.poll(() => page.getByRole("button", { name: "Publish" }).getAttribute("aria-disabled")).toBe("true");
    // The cursor is in that line: what is typed lands there.
    await page.keyboard.press("Shift+End");
    await page.keyboard.type("# fine");
    await page.getByRole("button", { name: "Build", exact: true }).click();
    await state(page, "Built").waitFor();
    await page.getByRole("tab", { name: "Preview" }).click();
    await page.getByText("docker_volume.home").waitFor();
    await page.getByText("Choice a · Choice b").waitFor();
    await page.getByRole("button", { name: "Publish" }).click();
    const dialog = page.getByRole("dialog", { name: "Publish this version" });
    await dialog.getByLabel("Name of the version").fill("taken");
    await dialog.getByRole("button", { name: "Publish" }).click();
    await dialog.getByText("Another version has it.").waitFor();
    await dialog.getByLabel("Name of the version").fill("second");
    await dialog.getByLabel("Message").fill("More of it");
    await dialog.getByRole("button", { name: "Publish" }).click();
    await page.waitForURL(/\/templates\/default\/edited\/versions\/second$/);
  });
  const version = [...store.imports.versions.values()].find((v) => v.version.name === "second")!.version;
  expect(version.message).toBe("More of it");
  expect(store.templates.find((t) => t.name === "edited")!.active_version_id).toBe(version.id);
  // Everything that nobody touched went back as it came.
  const sent = await readFiles(new Uint8Array(await store.imports.files.get(version.job.file_id)!.arrayBuffer()));
  const before = [...store.imports.versions.values()].find((v) => v.version.name === "calm_heron1")!.version;
  const was = await readFiles(new Uint8Array(await store.imports.files.get(before.job.file_id)!.arrayBuffer()));
  expect(sent.map((f) => [f.name, f.executable])).toEqual(was.map((f) => [f.name, f.executable]));
  for (const f of was) {
    const now = sent.find((s) => s.name === f.name)!;
    if (f.name === "main.tf") expect(now.text).toBe(`${mainTf}# fine`);
    else expect(Buffer.from(now.data).equals(Buffer.from(f.data)), f.name).toBe(true);
  }
});

test("files are made, renamed and deleted; folders go with what is in them", async () => {
  await visit(editor, { as: "alice", store: await editable() }, async ({ page }) => {
    await page.getByRole("button", { name: "New file" }).click();
    const dialog = page.getByRole("dialog", { name: "New file" });
    await dialog.getByLabel("Path").fill("main.tf");
    await dialog.getByRole("button", { name: "Create" }).click();
    await dialog.getByText("main.tf is there already.").waitFor();
    await dialog.getByLabel("Path").fill("modules/net/x.tf");
    await dialog.getByRole("button", { name: "Create" }).click();
    await text(page, "modules/net/x.tf").waitFor();
    await write(page, "t?", "modules/net/x.tf");
    await page.getByText("1 not built yet").waitFor();
    await page.getByRole("button", { name: "Actions for build", exact: true }).click();
    await page.getByRole("menuitem", { name: "Rename" }).click();
    const rename = page.getByRole("dialog", { name: "Rename build" });
    await rename.getByLabel("Path").fill("image");
    await rename.getByRole("button", { name: "Rename" }).click();
    await page.getByText("5 not built yet").waitFor();
    await page.getByRole("button", { name: "Actions for image", exact: true }).click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await page.getByRole("dialog", { name: "Delete image?" }).getByText("2 files go").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("3 not built yet").waitFor();
    await page.getByRole("button", { name: "Discard the changes" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Discard the changes" }).click();
    await file(page, "build").waitFor();
    expect(await page.getByText("not built yet").count()).toBe(0);
  });
});

test("a draft survives a reload, and leaving asks first", async () => {
  await visit(editor, { as: "alice", store: await editable() }, async ({ page }) => {
    page.on("dialog", (dialog) => void dialog.accept());
    await text(page).getByText("required_providers").waitFor();
    await write(page, "# mine");
    await page.getByText("1 not built yet").waitFor();
    await page.reload();
    await page.getByText("1 not built yet").waitFor();
    await text(page).click();
    await page.keyboard.press("Control+End");
    await text(page).getByText("# mine").waitFor();
    await page.getByRole("link", { name: "Workspaces" }).click();
    const dialog = page.getByRole("dialog", { name: "Leave the editor?" });
    await dialog.getByRole("button", { name: "Stay" }).click();
    await page.getByText("1 not built yet").waitFor();
    await page.getByRole("link", { name: "Workspaces" }).click();
    await dialog.getByRole("button", { name: "Leave" }).click();
    await page.waitForURL(/\/workspaces$/);
  });
});

test("what was built is there after a reload, without a draft", async () => {
  await visit(editor, { as: "alice", store: await editable() }, async ({ page }) => {
    await text(page).getByText("required_providers").waitFor();
    await write(page, "# built");
    await page.keyboard.press("Control+s");
    await state(page, "Built").waitFor();
    expect(await page.getByText("not built yet").count()).toBe(0);
    await page.reload();
    await state(page, "Built").waitFor();
    await text(page).click();
    await page.keyboard.press("Control+End");
    await text(page).getByText("# built").waitFor();
  });
});

test("a build is stopped; one without a provisioner says so", async () => {
  const store = await editable();
  store.imports.held = true;
  await visit(editor, { as: "alice", store }, async ({ page }) => {
    await page.getByRole("button", { name: "Build", exact: true }).click();
    await state(page, "Building").waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await state(page, "Stopped").waitFor();
    await page.getByRole("button", { name: "Tags and variables" }).click();
    const dialog = page.getByRole("dialog", { name: "Tags and variables" });
    await dialog.getByRole("button", { name: "Add a tag" }).click();
    await dialog.getByLabel("Provisioner tags: name 1").fill("site");
    await dialog.getByLabel("Provisioner tags: value 1").fill("moon");
    await dialog.getByRole("button", { name: "Done" }).click();
    await page.getByRole("button", { name: "Build", exact: true }).click();
    await page.getByText("No provisioner of the organization has the tags site=moon.").waitFor();
  });
});

test("missing variables are asked for, and it is built again", async () => {
  await visit(editor, { as: "alice", store: await editable() }, async ({ page, store }) => {
    await text(page).getByText("required_providers").waitFor();
    await write(page, 'variable "token" {}');
    await page.keyboard.press("Control+s");
    await page.getByRole("button", { name: "Set the values" }).click();
    const dialog = page.getByRole("dialog", { name: "Tags and variables" });
    await dialog.getByLabel("token").fill("sesame");
    await dialog.getByRole("button", { name: "Done" }).click();
    await page.getByRole("button", { name: "Build", exact: true }).click();
    await state(page, "Built").waitFor();
    expect([...store.imports.versions.values()].at(-1)!.values).toEqual({ token: "sesame" });
  });
});

test("bytes and large texts are shown as such; a refused build says so once", async () => {
  const store = await editable();
  store.failing.add("POST /api/v2/organizations/{organization}/templateversions");
  await visit(editor, { as: "alice", store }, async ({ page }) => {
    await file(page, "logo.png").click();
    await page.getByText("8 bytes. This file is no text.").waitFor();
    await file(page, "large.txt").click();
    await page.getByText("This file is too large to be edited here.").waitFor();
    await page.getByRole("button", { name: "Build", exact: true }).click();
    await page.getByRole("alert").getByText("The build cannot be started").waitFor();
    expect(await page.getByRole("alert").count()).toBe(1);
  });
});
