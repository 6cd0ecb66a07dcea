/** The fonts that people can choose. JetBrains Mono comes along; the others are used where the system has them. */
const names: Record<string, string> = {
  "geist-mono": "Geist Mono",
  "ibm-plex-mono": "IBM Plex Mono",
  "fira-code": "Fira Code",
  "source-code-pro": "Source Code Pro",
  "jetbrains-mono": "JetBrains Mono",
};

/** fontOf is the font by the word of the API. */
export function fontOf(word: string | undefined): string {
  const name = names[word ?? ""] ?? "JetBrains Mono";
  return `"${name}", "JetBrains Mono", ui-monospace, monospace`;
}

/** fontReady waits until letters can be measured, for a second at most. */
export async function fontReady(font: string, size: number) {
  const loaded = Promise.all(["", "bold "].map((weight) => document.fonts.load(`${weight}${size}px ${font}`)));
  await Promise.race([loaded, new Promise((done) => setTimeout(done, 1000))]).catch(() => {});
}
