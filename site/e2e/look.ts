import type { Page } from "playwright-core";
import type { Store } from "../mock/store";

/** Look is a page in a state that is worth looking at. */
export interface Look {
  name: string;
  path: string;
  /** as is who is signed in. */
  as?: string;
  empty?: boolean;
  /** prepare changes what the mock knows before. */
  prepare?: (store: Store) => unknown;
  /** ready brings the page there, and waits for the sight that says so. */
  ready: (page: Page) => Promise<unknown>;
}
