/** A finding of Terraform, as its log or the error of a job tells it. */
export interface Finding {
  level: "error" | "warn";
  summary: string;
  detail: string;
  /** The file it is about, and its line from 1. */
  file?: string;
  line?: number;
}

/** More findings than these are not shown. */
const most = 100;
const heading = /^(Error|Warning): (.+)$/;
const place = /^\s*on (.+?) line (\d+)(?:, in .*)?:?\s*$/;
const excerpt = /^\s*\d+:/;

/**
 * findings reads the errors and warnings out of the lines of a log: a heading, perhaps
 * "on FILE line N", a few lines of the file, and words, up to the next heading.
 */
export function findings(lines: readonly { level: string; text: string; group: string }[]): Finding[] {
  const out: Finding[] = [];
  let open: Finding | undefined;
  for (const line of lines) {
    if (line.level !== "error" && line.level !== "warn") {
      open = undefined;
      continue;
    }
    const head = heading.exec(line.text);
    if (head) {
      open = { level: head[1] === "Error" ? "error" : "warn", summary: head[2]!, detail: "" };
      out.push(open);
      if (out.length >= most) break;
      continue;
    }
    if (!open) continue;
    const at = open.file ? null : place.exec(line.text);
    if (at) {
      open.file = at[1];
      open.line = Number(at[2]);
    } else if (line.text.trim() && !excerpt.test(line.text) && open.detail.length < 2000) {
      open.detail += `${open.detail ? "\n" : ""}${line.text.trim()}`;
    }
  }
  // Terraform says the same again when it plans a second time.
  const seen = new Set<string>();
  return out.filter((f) => {
    const key = JSON.stringify(f);
    return !seen.has(key) && seen.add(key);
  });
}

/** findingOf reads "main.tf line 7: Summary: words" as the error of a job has it. */
export function findingOf(error: string): Finding | undefined {
  const found = /^(\S+) line (\d+): ([^:\n]+)(?:: ([\s\S]*))?$/.exec(error);
  if (!found) return undefined;
  return { level: "error", file: found[1], line: Number(found[2]), summary: found[3]!, detail: found[4] ?? "" };
}

/** missingVariables are the names in "The template needs values for these variables: a, b." */
export function missingVariables(error: string): string[] {
  const names = /variables: (.+?)\.?$/.exec(error)?.[1] ?? "";
  return names.split(", ").filter((n) => /^[\w-]+$/.test(n));
}
