import { test } from "vitest";
import { seed } from "../mock/seed";
import { newStore } from "../mock/store";
import { accessible, inside, settle, shoot, visit, withBrowser } from "./harness";
import type { Look } from "./look";

withBrowser();

/** Every page with a state that is worth looking at; an area a file in looks. */
const looks = Object.values(import.meta.glob<{ looks: Look[] }>("./looks/*.ts", { eager: true })).flatMap(
  (m) => m.looks,
);

/**
 * LOOKS=pages takes one look at each page, which is what every test run does.
 * LOOKS=pictures keeps pictures of all, in each theme and width, for people to look at.
 */
const chosen =
  process.env.LOOKS === "pages" ? [...new Map(looks.toReversed().map((l) => [pageOf(l), l])).values()] : looks;
const all = process.env.LOOKS === "pictures";

function pageOf(look: Look): string {
  return look.path.split("?")[0]!;
}

const states = [
  { width: 1280, themes: all ? (["light", "dark"] as const) : (["light"] as const) },
  { width: 360, themes: all ? (["light", "dark"] as const) : (["dark"] as const) },
];

/** What is out of sight and not drawn keeps the colours of the theme before. */
const draw = `for (const e of document.querySelectorAll("*"))
  if (getComputedStyle(e).contentVisibility === "auto") e.style.contentVisibility = "visible";`;

// A page is opened once, then looked at.
test.concurrent.for(chosen)("$name", async ({ name, path, as, empty, prepare, ready }) => {
  const store = empty ? newStore() : seed();
  await prepare?.(store);
  await visit(path, { as, store }, async ({ page }) => {
    await ready(page);
    await page.evaluate("document.fonts.ready");
    await page.evaluate(draw);
    for (const { width, themes } of states) {
      await page.setViewportSize({ width, height: 800 });
      for (const theme of themes) {
        await page.emulateMedia({ colorScheme: theme });
        await settle(page);
        if (all) await shoot(page, `${name}-${theme}-${width}`);
        await accessible(page, `${name} ${theme} ${width}`);
      }
      await inside(page, name);
    }
  });
});
