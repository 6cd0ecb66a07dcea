import { useSyncExternalStore } from "react";

function clock(period: number) {
  let now = Date.now();
  const subscribe = (listener: () => void) => {
    now = Date.now();
    const timer = setInterval(() => {
      now = Date.now();
      listener();
    }, period);
    return () => clearInterval(timer);
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
