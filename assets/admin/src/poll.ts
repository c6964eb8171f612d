// Asking again and again, so that a page stays true.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, call } from "./api";
import { Store } from "./store";

const intervalMs = 2_000;
const retryMs = 4_000;

// Since when the server has not answered (ms); 0 while it does.
export const lostSince = new Store(0);
// The user wants the page to stand still.
export const isPaused = new Store(false);
// Counts the user's wishes to see now what is new.
export const wishes = new Store(0);
export const refreshAll = () => wishes.set(wishes.get() + 1);

export interface Polled<T> {
  data: T | null; // the last good answer
  error: ApiError | null; // what came instead of the next one
  at: number; // when the data came (ms)
}

export function usePoll<T>(path: string | null, every = intervalMs): Polled<T> & { refresh: () => void } {
  const [state, setState] = useState<Polled<T> & { path: string | null }>({ data: null, error: null, at: 0, path });
  const ask = useRef<() => void>(() => {});

  useEffect(() => {
    if (path === null) return;
    const stop = new AbortController();
    let timer = 0;
    let isAsking = false;
    const next = (delay: number) => {
      clearTimeout(timer);
      if (!stop.signal.aborted) timer = window.setTimeout(run, delay);
    };
    const run = async (isWish = false) => {
      if (isAsking) return;
      if (!isWish && (document.hidden || isPaused.get())) return next(every);
      isAsking = true;
      let delay = every;
      try {
        const data = await call<T>("GET", path, undefined, stop.signal);
        if (stop.signal.aborted) return;
        lostSince.set(0);
        setState({ data, error: null, at: Date.now(), path });
      } catch (error) {
        if (stop.signal.aborted) return;
        const failure = error as ApiError;
        if (failure.status === 0) {
          if (lostSince.get() === 0) lostSince.set(Date.now());
          delay = Math.min(every, retryMs);
        } else {
          lostSince.set(0);
        }
        setState((before) => ({ ...(before.path === path ? before : { data: null, at: 0 }), error: failure, path }));
      } finally {
        isAsking = false;
        next(delay);
      }
    };
    ask.current = () => void run(true);
    void run(true);
    const onShow = () => !document.hidden && void run();
    document.addEventListener("visibilitychange", onShow);
    const unfollow = wishes.follow(() => void run(true));
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onShow);
      unfollow();
    };
  }, [path, every]);

  const refresh = useCallback(() => ask.current(), []);
  const isCurrent = state.path === path;
  return {
    data: isCurrent ? state.data : null,
    error: isCurrent ? state.error : null,
    at: isCurrent ? state.at : 0,
    refresh,
  };
}
