/** A clock for relative times: one timer for the page, whatever the number of times it shows. */
import { useSyncExternalStore } from "react";

const TICK_MILLISECONDS = 10_000;

let now = new Date();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(tick, TICK_MILLISECONDS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function tick() {
  now = new Date();
  for (const listener of listeners) listener();
}

export function useNow(): Date {
  // The first reader after a while without any would see an old time.
  if (listeners.size === 0 && Date.now() - now.getTime() > TICK_MILLISECONDS) now = new Date();
  return useSyncExternalStore(subscribe, () => now);
}
