/** A search of the API: words, and key:value terms that narrow. */
export interface Search {
  words: string;
  terms: Record<string, string>;
}

/** readSearch takes a search apart. It never fails: what is no term is a word. */
export function readSearch(text: string): Search {
  const out: Search = { words: "", terms: {} };
  const words: string[] = [];
  for (const part of text.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? []) {
    const at = part.indexOf(":");
    if (at > 0 && at < part.length - 1)
      out.terms[part.slice(0, at).toLowerCase()] = part.slice(at + 1).replaceAll('"', "");
    else words.push(part);
  }
  out.words = words.join(" ");
  return out;
}

/** withTerm returns text with the term key set to value, or without it where value is empty. */
export function withTerm(text: string, key: string, value: string): string {
  const search = readSearch(text);
  delete search.terms[key];
  if (value) search.terms[key] = value;
  const terms = Object.entries(search.terms).map(([k, v]) => `${k}:${/\s/.test(v) ? `"${v}"` : v}`);
  return [...terms, search.words].filter(Boolean).join(" ");
}
