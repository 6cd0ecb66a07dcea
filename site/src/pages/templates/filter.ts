import type { Template } from "@/api/generated";
import { readSearch } from "@/lib/search";
import { words } from "./texts";

/** The terms that a search for templates knows. */
const known = ["name", "organization", "deprecated"];

/** filterTemplates returns the templates that a search finds, or what is wrong with the search. */
export function filterTemplates(all: readonly Template[], text: string): { found: Template[]; error?: string } {
  const { words: free, terms } = readSearch(text);
  const unknown = Object.keys(terms).find((key) => !known.includes(key));
  if (unknown) return { found: [...all], error: words.unknownFilter(unknown) };
  if (terms.deprecated && !["true", "false"].includes(terms.deprecated)) {
    return { found: [...all], error: words.badDeprecated };
  }
  const wanted = free.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter((t) => {
    const words = `${t.name} ${t.display_name} ${t.description}`.toLowerCase();
    return (
      wanted.every((word) => words.includes(word)) &&
      (!terms.name || t.name.includes(terms.name.toLowerCase())) &&
      (!terms.organization || t.organization_name === terms.organization) &&
      (!terms.deprecated || t.deprecated === (terms.deprecated === "true"))
    );
  });
  return { found };
}
