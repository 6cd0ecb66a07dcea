const pattern = /^-?(\d+(\.\d+)?(h|ms|us|µs|ns|m|s))+$/;
const units = [
  ["d", 86_400_000_000_000],
  ["h", 3_600_000_000_000],
  ["m", 60_000_000_000],
  ["s", 1_000_000_000],
  ["ms", 1_000_000],
] as const;

/** looksLikeDuration says that a text is a duration as options take it: "24h", "1h30m". */
export function looksLikeDuration(text: string): boolean {
  return pattern.test(text);
}

/** goDuration writes nanoseconds as people write options: "1d", "2h 30m", "100ms"; the two largest parts. */
export function goDuration(nanoseconds: number): string {
  if (!Number.isFinite(nanoseconds)) return "–";
  const parts: string[] = [];
  let rest = Math.abs(nanoseconds);
  for (const [unit, size] of units) {
    const n = Math.floor(rest / size);
    if (n > 0) parts.push(`${n.toLocaleString("en")}${unit}`);
    rest -= n * size;
  }
  if (parts.length === 0) return nanoseconds === 0 ? "0s" : `${nanoseconds}ns`;
  return (nanoseconds < 0 ? "-" : "") + parts.slice(0, 2).join(" ");
}

/** shortDuration leaves out digits of a duration, as Go writes it, that say nothing: "46.469µs" is "46µs". */
export function shortDuration(text: string): string {
  return text.replace(/(\d+)(\.\d)?\d*(ns|µs|ms|s)$/, (_, whole: string, tenth = "", unit: string) =>
    whole.length > 1 ? whole + unit : whole + tenth + unit,
  );
}
