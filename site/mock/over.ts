import { Refusal } from "./handler";

type Handler = (call: never) => unknown;

/** over joins two tables: what the first does not find is asked of the second. */
export function over<T extends object>(first: T, second: T): T {
  const out = { ...second, ...first } as Record<string, unknown>;
  for (const [key, ask] of Object.entries(first)) {
    const other = (second as Record<string, unknown>)[key] as Handler | undefined;
    if (!other) continue;
    out[key] = (call: never) => {
      try {
        return (ask as Handler)(call);
      } catch (error) {
        if (error instanceof Refusal && error.status === 404) return other(call);
        throw error;
      }
    };
  }
  return out as T;
}
