import { describe, test } from "vitest";
import { seed } from "../mock/seed";
import { newStore } from "../mock/store";
import { accessible, inside, shoot, visit, withBrowser } from "./harness";
import type { Look } from "./look";

withBrowser();

/** Every page with a state that is worth looking at; an area a file in looks. */
const looks = Object.values(import.meta.glob<{ looks: Look[] }>("./looks/*.ts", { eager: true })).flatMap(
  (m) => m.looks,
);

describe.each(["light", "dark"] as const)("%s", (theme) => {
  describe.each([1280, 360])("%i px", (width) => {
    test.each(looks)("$name", async ({ name, path, as, empty, prepare, ready }) => {
      const store = empty ? newStore() : seed();
      await prepare?.(store);
      await visit(path, { as, theme, width, store }, async ({ page }) => {
        await ready(page);
        await page.evaluate("document.fonts.ready");
        await shoot(page, `${name}-${theme}-${width}`);
        await accessible(page, name);
        await inside(page, name);
      });
    });
  });
});
