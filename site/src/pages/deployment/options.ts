import type { DeploymentOption, OptionGroup } from "@/api/generated";
import { goDuration, looksLikeDuration } from "@/lib/goduration";
import { plain } from "@/lib/plain";
import { words } from "./texts";

/** shownValue is the value of an option as people write it. Texts stay as long as they are allowed to be. */
export function shownValue(option: DeploymentOption): { text: string; empty: boolean } {
  const { value } = option;
  if (option.secret)
    return option.value_source ? { text: words.withheldSet, empty: true } : { text: words.withheldUnset, empty: true };
  if (value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0))
    return { text: words.empty, empty: true };
  if (typeof value === "boolean") return { text: value ? words.on : words.off, empty: false };
  if (typeof value === "number")
    return { text: looksLikeDuration(option.default) ? goDuration(value) : String(value), empty: false };
  if (Array.isArray(value)) return { text: value.map((v) => plain(String(v), 500)).join("\n"), empty: false };
  return { text: plain(typeof value === "string" ? value : JSON.stringify(value), 2000), empty: false };
}

/** wasSet says that somebody gave the option a value. */
export function wasSet(option: DeploymentOption): boolean {
  return option.value_source !== "" && option.value_source !== "default";
}

/** groupTitle is the name of a group below those that it belongs to. */
export function groupTitle(group: OptionGroup | undefined): string {
  const names: string[] = [];
  for (let at = group, depth = 0; at && depth < 8; at = at.parent, depth++) names.unshift(plain(at.name, 80));
  return names.filter(Boolean).join(" / ") || words.options;
}

/** inGroups puts the options that match under the groups that the server has, in its order. */
export function inGroups(options: readonly DeploymentOption[], search: string, onlySet: boolean) {
  const wanted = search.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map<string, DeploymentOption[]>();
  for (const option of options) {
    if (onlySet && !wasSet(option)) continue;
    const all = [
      option.name,
      option.flag && `--${option.flag}`,
      option.env,
      option.yaml,
      option.description,
      option.group?.name,
      shownValue(option).text,
    ]
      .join("\n")
      .toLowerCase();
    if (!wanted.every((word) => all.includes(word))) continue;
    const title = groupTitle(option.group);
    groups.set(title, [...(groups.get(title) ?? []), option]);
  }
  return [...groups].map(([title, list]) => ({ title, options: list }));
}
