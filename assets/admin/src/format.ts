// Numbers and times as people read them.
const integers = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export const dash = "–";

export function count(value: number | null | undefined): string {
  return integers.format(value ?? 0);
}

// "1 message", "12 messages".
export function counted(value: number, word: string): string {
  return `${count(value)} ${word}${value === 1 ? "" : "s"}`;
}

export function rate(value: number | null | undefined): string {
  if (value == null || Number.isNaN(value)) return dash;
  return value >= 1000 ? integers.format(value) : tenths.format(value);
}

// For axes and big figures: 950, 12.3k, 4.5M.
export function short(value: number | null | undefined): string {
  if (value == null || Number.isNaN(value)) return dash;
  const size = Math.abs(value);
  for (const [limit, unit] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e4, "k"]] as const) {
    if (size < limit) continue;
    const scale = unit === "k" ? 1e3 : limit;
    return trimmed(value / scale) + unit;
  }
  return size >= 100 || Number.isInteger(value) ? integers.format(value) : trimmed(value);
}

function trimmed(value: number): string {
  return Number(value.toPrecision(3)).toString();
}

// Nanoseconds: "1h2m3s", "1.5ms".
export function duration(ns: number): string {
  if (ns === 0) return "0s";
  if (ns < 1e3) return `${Math.round(ns)}ns`;
  if (ns < 1e6) return `${round2(ns / 1e3)}µs`;
  if (ns < 1e9) return `${round2(ns / 1e6)}ms`;
  const seconds = ns / 1e9;
  if (seconds < 60) return `${round2(seconds)}s`;
  const whole = Math.floor(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)}d${hours % 24}h`;
  return hours > 0 ? `${hours}h${minutes}m` : `${minutes}m${whole % 60}s`;
}

function round2(value: number): string {
  return Number(value.toFixed(2)).toString();
}

// 0.99 is "99th", 0.999 is "99.9th".
export function percentileTitle(quantile: number): string {
  const percent = Number((quantile * 100).toFixed(3));
  const last = Number.isInteger(percent) ? percent % 100 : 0;
  const ending =
    last % 10 === 1 && last !== 11 ? "st" : last % 10 === 2 && last !== 12 ? "nd" : last % 10 === 3 && last !== 13 ? "rd" : "th";
  return `${percent}${ending}`;
}

export function ago(seconds: number): string {
  return duration(Math.max(0, seconds) * 1e9);
}
