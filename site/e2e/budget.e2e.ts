import { expect, test } from "vitest";
import { visit, withBrowser } from "./harness";

withBrowser();

/** Bytes that a first visit fetches for scripts, styles and fonts, as the server sends them: compressed by gzip. */
test.each([
  ["/login", undefined, 250],
  ["/workspaces", "alice", 450],
])("%s stays within its budget", async (path, as, budget) => {
  const { gzipSync } = await import("node:zlib");
  await visit("/icon.svg", { as }, async ({ page, url }) => {
    let bytes = 0;
    page.on("response", async (response) => {
      const kind = response.headers()["content-type"] ?? "";
      if (!response.url().includes("/assets/")) return;
      const body = await response.body();
      bytes += kind.includes("font") ? body.length : gzipSync(body, { level: 9 }).length;
    });
    await page.goto(url + path, { waitUntil: "networkidle" });
    console.info(`${path}: ${(bytes / 1024).toFixed(0)} KB of ${budget} KB`);
    expect(bytes).toBeGreaterThan(50 * 1024);
    expect(bytes).toBeLessThan(budget * 1024);
  });
});
