/** Where a search of the router is text as it was typed: "1.20" is no number there. */
const raw = /^param\../;

type Search = Record<string, unknown>;

/** rawParse lets parse read a query, but those parameters that are raw. */
export function rawParse(parse: (text: string) => Search) {
  return (text: string): Search => {
    const out = parse(text);
    for (const [name, value] of new URLSearchParams(text)) if (raw.test(name)) out[name] = value;
    return out;
  };
}

/** rawStringify is its counterpart. */
export function rawStringify(stringify: (search: Search) => string) {
  return (search: Search): string => {
    const usual: Search = {};
    const typed = new URLSearchParams();
    for (const [name, value] of Object.entries(search)) {
      if (raw.test(name) && typeof value === "string") typed.set(name, value);
      else usual[name] = value;
    }
    const text = stringify(usual);
    const more = typed.toString();
    return more ? `${text ? `${text}&` : "?"}${more}` : text;
  };
}
