import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, call, type Answer } from "../api";
import { count } from "../format";
import { Graphite } from "../graphite";
import { lostSince } from "../poll";

interface CounterAnswer extends Answer {
  stats: Record<string, { message_count: number }>;
}

const firstDelayMs = 100;
const delayStepMs = 1_000;
const longestDelayMs = 10_000;

// The sum, and what to show of it: it glides from one answer to the next, and never back.
export function Counter() {
  const [warning, setWarning] = useState("");
  const [failure, setFailure] = useState("");
  const [shown, setShown] = useState<number | null>(null);
  const glide = useRef({ from: 0, to: 0, start: 0, end: 0, has: false });

  useEffect(() => {
    let timer = 0;
    let frame = 0;
    let delay = firstDelayMs;
    const stop = new AbortController();
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const valueAt = (now: number) => {
      const { from, to, start, end } = glide.current;
      if (now >= end || end <= start) return to;
      return Math.floor(from + ((to - from) * (now - start)) / (end - start));
    };
    const draw = () => {
      if (glide.current.has) setShown(valueAt(performance.now()));
      frame = requestAnimationFrame(draw);
    };
    const poll = async () => {
      try {
        const answer = await call<CounterAnswer>("GET", "/api/counter", undefined, stop.signal);
        if (stop.signal.aborted) return;
        lostSince.set(0);
        setWarning(answer.message);
        setFailure("");
        let total = 0;
        for (const each of Object.values(answer.stats)) total += each.message_count;
        const now = performance.now();
        delay = Math.min(longestDelayMs, delay + delayStepMs);
        if (!glide.current.has) {
          glide.current = { from: total, to: total, start: now, end: now, has: true };
        } else {
          const from = valueAt(now);
          glide.current = { from, to: Math.max(from, total), start: now, end: now + (isCalm ? 0 : delay), has: true };
        }
        timer = window.setTimeout(poll, delay);
      } catch (error) {
        if (stop.signal.aborted) return;
        setFailure((error as ApiError).message);
        if ((error as ApiError).status === 0 && lostSince.get() === 0) lostSince.set(Date.now());
        const now = performance.now();
        const still = valueAt(now);
        glide.current = { ...glide.current, from: still, to: still, start: now, end: now };
        timer = window.setTimeout(poll, longestDelayMs);
      }
    };
    void poll();
    frame = requestAnimationFrame(draw);
    return () => {
      stop.abort();
      clearTimeout(timer);
      cancelAnimationFrame(frame);
    };
  }, []);

  return (
    <div class="counter-page">
      <h1 class="page-title sr-only">Counter</h1>
      {failure && (
        <div class="alert error" role="alert">
          {failure}
        </div>
      )}
      {warning && (
        <div class="alert warning" role="status">
          {warning}
        </div>
      )}
      <div class="counter" aria-hidden="true">
        {(shown === null ? "–" : count(shown)).split("").map((digit, index, all) => (
          <span key={all.length - index} class={/\d/.test(digit) ? "digit" : "separator"}>
            {digit}
          </span>
        ))}
      </div>
      <p class="counter-caption">Messages processed</p>
      <p class="sr-only">{shown === null ? "" : `${count(shown)} messages processed`}</p>
      <Graphite subject={{}} />
    </div>
  );
}
