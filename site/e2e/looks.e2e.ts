import { test } from "vitest";
import { seed } from "../mock/seed";
import { newStore } from "../mock/store";
import { accessible, inside, shoot, visit, withBrowser } from "./harness";
import type { Look } from "./look";

withBrowser();

/** Every page with a state that is worth looking at; an area a file in looks. */
const looks = Object.values(import.meta.glob<{ looks: Look[] }>("./looks/*.ts", { eager: true })).flatMap(
  (m) => m.looks,
);

// A page is opened once, then looked at in both themes and widths.
test.concurrent.for(looks)("$name", async ({ name, path, as, empty, prepare, ready }) => {
  const store = empty ? newStore() : seed();
  await prepare?.(store);
  await visit(path, { as, store }, async ({ page }) => {
    await ready(page);
    await page.evaluate("document.fonts.ready");
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 800 });
      for (const theme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme: theme });
        await shoot(page, `${name}-${theme}-${width}`);
        await accessible(page, `${name} ${theme} ${width}`);
      }
      await inside(page, name);
    }
  });
});
