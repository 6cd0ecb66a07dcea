/** readList reads the value of a parameter of type list(string); what is no such list is empty. */
export function readList(text: string): string[] {
  try {
    const list: unknown = JSON.parse(text || "[]");
    return Array.isArray(list) ? list.filter((x): x is string => typeof x === "string") : [];
  } catch {
    return [];
  }
}

/** writeList is the value of a list; an entry stands in it once. */
export function writeList(list: readonly string[]): string {
  return JSON.stringify([...new Set(list)]);
}
