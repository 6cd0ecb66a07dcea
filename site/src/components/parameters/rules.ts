import type { DynamicParametersResponse, PreviewParameter } from "@/api/generated";
import { plain } from "@/lib/plain";
import { words } from "./texts";

export type Values = Record<string, string>;

/** shownValue is what a form shows: what the person has said, else what the server says. */
export function shownValue(p: PreviewParameter, said: Values): string {
  return said[p.name] ?? (p.value.valid ? p.value.value : "");
}

/** fixedBecause says why a value cannot be changed; before are the values of the last build. */
export function fixedBecause(p: PreviewParameter, before: Values | undefined): string | undefined {
  if (p.styling.disabled) return words.styled;
  if (p.mutable || !before || before[p.name] === undefined) return undefined;
  // One that the version does not take any more has to be chosen again.
  return errorOf(p) ? undefined : words.isFixed;
}

/** errorOf is what the server says against a value. */
export function errorOf(p: PreviewParameter): string | undefined {
  const found = (p.diagnostics ?? []).find((d) => d.severity === "error");
  if (!found) return undefined;
  return found.extra.code === "required" ? words.missing : plain(found.detail || found.summary, 500);
}

/** isMissing says that nothing is wrong with a parameter but that it has no value yet. */
export function isMissing(p: PreviewParameter): boolean {
  const errors = (p.diagnostics ?? []).filter((d) => d.severity === "error");
  return errors.length > 0 && errors.every((d) => d.extra.code === "required");
}

/** direction is the way in which a number may go, and from where. */
export function direction(p: PreviewParameter, before: Values | undefined) {
  const way = (p.validations ?? []).map((v) => v.validation_monotonic).find(Boolean);
  const from = before?.[p.name];
  return way && from !== undefined && from !== "" ? { way, from } : undefined;
}

/** against is what the last build has against a value: numbers that may only go one way. */
export function against(p: PreviewParameter, value: string, before: Values | undefined): string | undefined {
  const going = direction(p, before);
  if (!going || value === "") return undefined;
  const [now, then] = [Number(value), Number(going.from)];
  if (going.way === "increasing" && now < then) return words.mustGrow(going.from);
  if (going.way === "decreasing" && now > then) return words.mustShrink(going.from);
  return undefined;
}

/** problems are the reasons not to build with these values, by parameter. */
export function problems(answer: DynamicParametersResponse, said: Values, before?: Values): Record<string, string> {
  const out: Record<string, string> = {};
  for (const p of answer.parameters ?? []) {
    const text = errorOf(p) ?? against(p, shownValue(p, said), before);
    if (text) out[p.name] = text;
  }
  return out;
}

/** given are the values to be sent: those that were said, of parameters that are asked for. */
export function given(answer: DynamicParametersResponse, said: Values, before?: Values) {
  return (answer.parameters ?? [])
    .filter((p) => said[p.name] !== undefined && !fixedBecause(p, before))
    .map((p) => ({ name: p.name, value: said[p.name]! }));
}

/** refusedParameter reads which parameter an answer is about: parameter "cpus": 99 is too many. */
export function refusedParameter(detail: string): { name: string; text: string } | undefined {
  const found = /^parameter "([^"]+)": ([\s\S]+)$/.exec(detail);
  return found ? { name: found[1]!, text: plain(found[2]!, 500) } : undefined;
}

/** bounds are the limits of a slider; without both it is typed. */
export function bounds(p: PreviewParameter): { min: number; max: number } | undefined {
  for (const { validation_min: min, validation_max: max } of p.validations ?? []) {
    if (min !== null && max !== null && max > min) return { min, max };
  }
  return undefined;
}
