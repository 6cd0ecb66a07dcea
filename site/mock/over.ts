import { Refusal } from "./handler";

type Handler = (call: never) => unknown;

/** over joins tables: what one does not find is asked of those behind it. */
export function over<T extends object>(...tables: T[]): T {
  const out: Record<string, Handler> = {};
  for (const table of [...tables].reverse()) {
    for (const [key, ask] of Object.entries(table) as [string, Handler][]) {
      const behind = out[key];
      out[key] = behind ? (call) => either(ask, behind, call) : ask;
    }
  }
  return out as T;
}

function either(ask: Handler, behind: Handler, call: never): unknown {
  try {
    return ask(call);
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return behind(call);
    throw error;
  }
}
