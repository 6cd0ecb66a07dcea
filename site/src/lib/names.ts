const first = [
  "amber",
  "brisk",
  "calm",
  "clear",
  "coral",
  "green",
  "keen",
  "light",
  "lucid",
  "mellow",
  "quick",
  "quiet",
  "silver",
  "swift",
  "tidy",
  "warm",
];
const second = [
  "badger",
  "beech",
  "cedar",
  "dune",
  "falcon",
  "fjord",
  "harbor",
  "heron",
  "lark",
  "maple",
  "meadow",
  "otter",
  "pine",
  "river",
  "robin",
  "willow",
];

/** suggestName is a name that is easy to say and rarely taken; chance is Math.random, or a test's. */
export function suggestName(chance: () => number = Math.random): string {
  const of = (list: readonly string[]) => list[Math.floor(chance() * list.length) % list.length]!;
  return `${of(first)}-${of(second)}-${Math.floor(chance() * 90) + 10}`;
}

/** The longest name of a workspace, in characters. */
export const longestName = 32;

/** nameFault says what is wrong with a name, in words of the API. */
export function nameFault(name: string): string | undefined {
  if (!name) return "A name is required.";
  if (name.length > longestName) return `Use at most ${longestName} characters.`;
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/i.test(name)) return "Use letters, digits and single hyphens.";
  return undefined;
}
