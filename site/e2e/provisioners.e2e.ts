import { expect, test } from "vitest";
import { visit, withBrowser } from "./harness";

withBrowser();

const at = "/organizations/default";

test("provisioners show their job, which leads to the job", async () => {
  await visit(`${at}/provisioners`, { as: "alice" }, async ({ page }) => {
    const busy = page.getByRole("row", { name: /cloud-b-1.*Busy/ });
    await busy.waitFor();
    expect(await page.getByRole("row", { name: /cloud-b-2/ }).count()).toBe(0);
    await page.getByLabel("Offline ones too").click();
    await page.getByRole("row", { name: /cloud-b-2.*Offline/ }).waitFor();
    await busy.getByRole("link", { name: "Docker container" }).click();
    await page.waitForURL(/provisioner-jobs\?job=/);
    await page.getByRole("link", { name: "alice/build-box" }).waitFor();
  });
});

test("the state of jobs is in the URL, and a job is cancelled", async () => {
  await visit(`${at}/provisioner-jobs`, { as: "alice" }, async ({ page }) => {
    await page.getByRole("button", { name: "Details of Import docker" }).waitFor();
    await page.getByLabel("State").selectOption("Running");
    await expect.poll(() => page.getByRole("button", { name: "Details of Import docker" }).count()).toBe(0);
    expect(new URL(page.url()).searchParams.get("status")).toBe("running");
    await page.getByRole("button", { name: "Cancel Start build-box" }).click();
    await page.getByRole("button", { name: "Cancel the job" }).click();
    await page.getByText("No job is in this state").waitFor();
    await page.getByLabel("State").selectOption("Cancelled");
    await page.getByRole("row", { name: /Start build-box.*Cancelled/ }).waitFor();
  });
});

test("a key is made with its tags, shown once, and deleted with what it ends", async () => {
  await visit(`${at}/provisioner-keys`, { as: "alice" }, async ({ page, store }) => {
    await page.getByRole("button", { name: "New key" }).click();
    await page.getByLabel("Name").fill("cloud-b");
    await page.getByLabel("Tags").fill("oops");
    await page.getByRole("button", { name: "Make the key" }).click();
    await page.getByText('"oops" has no key before a "=".').waitFor();
    await page.getByLabel("Tags").fill("cloud=c, region=eu");
    await page.getByRole("button", { name: "Make the key" }).click();
    await page.getByText("Is in use").waitFor();
    await page.getByLabel("Name").fill("cloud-c");
    await page.getByRole("button", { name: "Make the key" }).click();
    await page.getByText("coder provisioner start").waitFor();
    await page.getByRole("button", { name: "I have copied it" }).click();
    await page.getByRole("row", { name: /cloud-c cloud=c region=eu nobody/ }).waitFor();
    expect(store.provisioners.keys.find((k) => k.name === "cloud-c")!.tags).toEqual({ cloud: "c", region: "eu" });

    await page.getByRole("button", { name: "Delete cloud-b" }).click();
    const confirm = page.getByRole("dialog").getByRole("button", { name: "Delete" });
    await page.getByText("One provisioner is connected with it.").waitFor();
    expect(await confirm.isDisabled()).toBe(true);
    await page.getByLabel("Type cloud-b to confirm").fill("cloud-b");
    await confirm.click();
    await expect.poll(() => page.getByRole("row", { name: /cloud-b / }).count()).toBe(0);
  });
});

test("who may not see provisioners is told so in place", async () => {
  await visit(`${at}/provisioner-keys`, { as: "bob" }, async ({ page }) => {
    const alert = page.getByRole("alert");
    await alert.getByText("The keys cannot be shown").waitFor();
    await alert.getByText(/mock-\d+/).waitFor();
    expect(await page.getByRole("button", { name: "New key" }).count()).toBe(0);
  });
});
