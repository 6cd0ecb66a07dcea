import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { visit, withBrowser } from "./harness";

withBrowser();

/** Bytes that a first visit fetches for scripts, styles and fonts, as the server sends them: compressed by gzip. */
test.each([
  ["/login", undefined, 250],
  ["/workspaces", "alice", 450],
])("%s stays within its budget", async (path, as, budget) => {
  await visit("/icon.svg", { as }, async ({ page, url }) => {
    const sizes: Promise<number>[] = [];
    page.on("response", (response) => {
      if (!response.url().includes("/assets/")) return;
      const font = response.headers()["content-type"]?.includes("font");
      sizes.push(response.body().then((body) => (font ? body.length : gzipSync(body, { level: 9 }).length)));
    });
    await page.goto(url + path, { waitUntil: "networkidle" });
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    console.info(`${path}: ${(bytes / 1024).toFixed(0)} KB of ${budget} KB`);
    // See scripts/chunks.ts: a browser asks for six at a time.
    expect(sizes.length).toBeLessThanOrEqual(10);
    expect(bytes).toBeGreaterThan(50 * 1024);
    expect(bytes).toBeLessThan(budget * 1024);
  });
});
