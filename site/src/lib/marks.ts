import { safeLink } from "./link";
import { plain } from "./plain";

/** A piece of a line: text, strong, code, or a link that is fit to be opened. */
export interface Mark {
  kind: "text" | "strong" | "code" | "link";
  text: string;
  href?: string;
}

const pattern = /\*\*([^*\n]{1,500})\*\*|`([^`\n]{1,500})`|\[([^\]\n]{1,300})\]\(([^()\s]{1,2000})\)/g;

/** The longest description that is shown, in characters. */
const most = 2000;

/** marks reads the little of Markdown that a line of description needs. All else stays as it was typed. */
export function marks(source: string): Mark[] {
  const text = source.length > most ? `${source.slice(0, most)} …` : source;
  const out: Mark[] = [];
  const add = (kind: Mark["kind"], words: string, href?: string) => {
    const clean = plain(words);
    if (clean) out.push({ kind, text: clean, ...(href ? { href } : {}) });
  };
  let at = 0;
  for (const m of text.matchAll(pattern)) {
    add("text", text.slice(at, m.index));
    at = m.index + m[0].length;
    const href = m[4] && /^https?:/i.test(m[4]) ? safeLink(m[4]) : undefined;
    if (m[1]) add("strong", m[1]);
    else if (m[2]) add("code", m[2]);
    else if (href) add("link", m[3]!, href);
    else add("text", m[0]);
  }
  add("text", text.slice(at));
  return out;
}
