import { useSyncExternalStore } from "react";

/** clock is one timer for all who look at it. */
function clock(period: number) {
  let now = Date.now();
  let timer: ReturnType<typeof setInterval> | undefined;
  const listeners = new Set<() => void>();
  const tick = () => {
    now = Date.now();
    for (const listener of listeners) listener();
  };
  const subscribe = (listener: () => void) => {
    // Whoever comes later takes the time that the others show: a new one for each row of
    // a list would draw all of them twice.
    if (listeners.size === 0) {
      now = Date.now();
      timer = setInterval(tick, period);
    }
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) clearInterval(timer);
    };
  };
  return { subscribe, read: () => now };
}

const slow = clock(15_000);
const fast = clock(1_000);

/** useNow is the time in milliseconds, new every 15 s, or every second where exact. */
export function useNow(exact = false): number {
  const source = exact ? fast : slow;
  return useSyncExternalStore(source.subscribe, source.read);
}
