// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const escapes = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The longest line that is shown, in characters. */
export const longestLine = 4000;

/**
 * plain makes foreign text fit to be shown on one line: without terminal sequences,
 * control characters and marks that turn the direction of writing, and not endless.
 */
export function plain(text: string, most = longestLine): string {
  const cut = text.length > most * 4 ? text.slice(0, most * 4) : text;
  const clean = cut.replace(escapes, "").replace(controls, "").replaceAll("\t", "    ");
  if (clean.length <= most && cut === text) return clean;
  return `${clean.slice(0, most)} … (${(text.length - Math.min(most, clean.length)).toLocaleString("en")} more characters)`;
}
