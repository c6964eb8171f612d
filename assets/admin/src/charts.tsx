// Charts of the last hour, from the history the server keeps, going on with what the page learns.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { HistoryAnswer } from "./api";
import { percentileTitle, rate, short } from "./format";
import { usePoll } from "./poll";
import { settings } from "./settings";
import { remember, remembered, useStore } from "./store";
import { theme } from "./theme";

// What a page knows of its subject now. Counters are absolute.
export interface Live {
  depth: number;
  in_flight: number;
  deferred: number;
  clients: number;
  messages: number;
  requeues?: number;
  timeouts?: number;
}

interface Series {
  title: string;
  color: string; // a variable of the style sheet
  values: (number | null)[];
}
interface ChartProps {
  title: string;
  unit: "count" | "rate" | "ms";
  times: number[];
  series: Series[];
  from: number;
  to: number;
}

const height = 132;
const ranges = [
  { title: "5 min", seconds: 300 },
  { title: "15 min", seconds: 900 },
  { title: "1 h", seconds: 3600 },
];

function show(unit: ChartProps["unit"], value: number | null | undefined): string {
  if (value == null) return "–";
  if (unit === "ms") return value >= 1000 ? `${short(value / 1000)} s` : `${short(value)} ms`;
  return unit === "rate" ? `${rate(value)}/s` : short(value);
}

function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function Chart({ title, unit, times, series, from, to }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const caption = useRef<HTMLElement>(null);
  const dark = useStore(theme);
  const data = useMemo(
    () => [times, ...series.map((each) => each.values)] as uPlot.AlignedData,
    [times, ...series.map((each) => each.values)],
  );
  const range = useRef<[number, number]>([from, to]);
  range.current = [from, to];
  const valueOf = (each: Series, index: number | null | undefined) => {
    const at = index ?? lastKnown(each.values);
    const value = at < 0 ? null : each.values[at];
    // Where there are several, the title says that they are rates.
    return unit === "rate" && series.length > 1 ? rate(value) : show(unit, value);
  };
  // Under the cursor, or the latest. Written past Preact: it changes with every movement.
  const write = (index: number | null | undefined) => {
    const places = caption.current?.querySelectorAll(".chart-now");
    series.forEach((each, number) => {
      if (places?.[number]) places[number].textContent = valueOf(each, index);
    });
    const when = caption.current?.querySelector(".chart-when");
    if (when) when.textContent = index == null ? "" : new Date(times[index] * 1000).toLocaleTimeString();
  };
  const writeNow = useRef(write);
  writeNow.current = write;

  useEffect(() => {
    const element = place.current!;
    const axis = { stroke: color("--muted"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false } };
    const options: uPlot.Options = {
      width: Math.max(100, element.clientWidth),
      height,
      padding: [9, 4, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
      scales: {
        x: { time: true, range: () => range.current },
        y: { range: (_, __, max) => [0, nice(max)] },
      },
      axes: [
        { ...axis, size: 24, space: 70, font: "11px system-ui", values: (_, splits) => splits.map(clock) },
        {
          ...axis,
          size: 46,
          space: 30,
          font: "11px system-ui",
          values: (_, splits) => splits.map((value) => (unit === "ms" ? show("ms", value) : short(value))),
        },
      ],
      series: [
        {},
        ...series.map((each, index) => ({
          label: each.title,
          stroke: color(each.color),
          width: 1.5,
          fill: index === 0 && series.length === 1 ? color(each.color) + "22" : undefined,
          points: { show: false },
          spanGaps: false,
        })),
      ],
      hooks: {
        setCursor: [(self) => writeNow.current(self.cursor.idx)],
      },
    };
    const made = new uPlot(options, data, element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: Math.max(100, element.clientWidth), height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [dark, unit, series.map((each) => each.title).join()]);

  useEffect(() => {
    const made = plot.current;
    made?.setData(data);
    if (made?.cursor.idx == null) write(null);
  }, [data, from, to]);

  return (
    <figure class="chart">
      <figcaption ref={caption}>
        <span class="chart-title">
          {title} <span class="chart-when" />
        </span>
        <span class="chart-values">
          {series.map((each) => (
            <span key={each.title} class={series.length > 1 ? `key key${each.color}` : ""}>
              {series.length > 1 && `${each.title} `}
              <span class="chart-now" />
            </span>
          ))}
        </span>
      </figcaption>
      <div class="plot" ref={place} role="img" aria-label={`${title}: ${series.map((each) => `${each.title} ${valueOf(each, null)}`).join(", ")}`} />
    </figure>
  );
}

function lastKnown(values: (number | null)[]): number {
  for (let index = values.length - 1; index >= 0; --index) if (values[index] != null) return index;
  return -1;
}

function nice(max: number | null): number {
  if (!max || max <= 0) return 1;
  const step = 10 ** Math.floor(Math.log10(max));
  for (const factor of [1, 2, 2.5, 5, 10]) if (max <= factor * step) return factor * step;
  return max;
}

function clock(seconds: number): string {
  const time = new Date(seconds * 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  const minutes = `${two(time.getHours())}:${two(time.getMinutes())}`;
  return time.getSeconds() === 0 ? minutes : `${minutes}:${two(time.getSeconds())}`;
}

type Point = Record<"time" | "depth" | "in_flight" | "deferred" | "clients", number> &
  Record<"message_rate" | "requeue_rate" | "timeout_rate", number | null>;

function pointAt(time: number, live: Live, before: { time: number; live: Live } | null): Point {
  const perSecond = (key: "messages" | "requeues" | "timeouts") => {
    const now = live[key];
    const then = before?.live[key];
    if (now === undefined || then === undefined || !before || now < then || time - before.time > 30) return null;
    return (now - then) / (time - before.time);
  };
  return {
    time,
    depth: live.depth,
    in_flight: live.in_flight,
    deferred: live.deferred,
    clients: live.clients,
    message_rate: perSecond("messages"),
    requeue_rate: perSecond("requeues"),
    timeout_rate: perSecond("timeouts"),
  };
}

// What the page has seen of its subject since it was opened.
function useLivePoints(key: string, live: Live | null, at: number): Point[] {
  const seen = useRef<{ key: string; points: Point[]; last: { time: number; live: Live } | null }>({
    key,
    points: [],
    last: null,
  });
  if (seen.current.key !== key) seen.current = { key, points: [], last: null };
  const time = Math.floor(at / 1000);
  const { points, last } = seen.current;
  if (live && at > 0 && time > (last?.time ?? 0)) {
    seen.current.points = [...points, pointAt(time, live, last)].slice(-1800);
    seen.current.last = { time, live };
  }
  return seen.current.points;
}

export function currentRate(points: Point[]): number | null {
  return points.length > 0 ? points[points.length - 1].message_rate : null;
}

export function Charts({ query, live, at, isNode }: { query: string; live: Live | null; at: number; isNode?: boolean }) {
  const [seconds, setSeconds] = useState(Number(remembered("chart_range", "900")));
  const isKept = settings.history_interval_ms > 0;
  const history = usePoll<HistoryAnswer>(
    isKept ? `/api/history?${query}` : null,
    Math.max(2_000, settings.history_interval_ms),
  );
  const points = useLivePoints(query, live, at);
  const kept = history.data;

  const merged = useMemo(() => {
    const until = kept && kept.times.length > 0 ? kept.times[kept.times.length - 1] : 0;
    const recent = points.filter((point) => point.time > until);
    const times = [...(kept?.times ?? []), ...recent.map((point) => point.time)];
    const join = (key: Exclude<keyof Point, "time">) => [...(kept?.[key] ?? []), ...recent.map((point) => point[key])];
    const latency = (kept?.latency ?? []).map((each) => ({
      quantile: each.quantile,
      values: [...each.values, ...recent.map(() => null)],
    }));
    return {
      times,
      depth: join("depth"),
      in_flight: join("in_flight"),
      deferred: join("deferred"),
      clients: join("clients"),
      message_rate: join("message_rate"),
      requeue_rate: join("requeue_rate"),
      timeout_rate: join("timeout_rate"),
      latency,
    };
  }, [kept, points]);

  // Percentiles of nothing are all zero.
  const hasLatency = merged.latency.some((each) => each.values.some((value) => value));
  const to = Math.floor((at || Date.now()) / 1000);
  const from = to - seconds;
  const common = { times: merged.times, from, to };
  const choose = (value: number) => {
    remember("chart_range", String(value));
    setSeconds(value);
  };
  return (
    <section aria-label="Charts" class="charts-block">
      <div class="section-head">
        <h2>History</h2>
        <div class="segments" role="group" aria-label="Time shown">
          {ranges.map((each) => (
            <button key={each.seconds} aria-pressed={seconds === each.seconds} onClick={() => choose(each.seconds)}>
              {each.title}
            </button>
          ))}
        </div>
      </div>
      <div class={hasLatency ? "charts" : "charts four"}>
        <Chart title="Depth" unit="count" {...common} series={[{ title: "depth", color: "--c1", values: merged.depth }]} />
        <Chart
          title={isNode ? "Messages published" : "Messages"}
          unit="rate"
          {...common}
          series={[{ title: "messages", color: "--c2", values: merged.message_rate }]}
        />
        <Chart
          title="In flight"
          unit="count"
          {...common}
          series={[
            { title: "in flight", color: "--c3", values: merged.in_flight },
            { title: "deferred", color: "--c4", values: merged.deferred },
          ]}
        />
        <Chart
          title="Retries/s"
          unit="rate"
          {...common}
          series={[
            { title: "requeued", color: "--c4", values: merged.requeue_rate },
            { title: "timed out", color: "--c5", values: merged.timeout_rate },
          ]}
        />
        {hasLatency && (
          <Chart
            title="Consumers"
            unit="count"
            {...common}
            series={[{ title: "consumers", color: "--c3", values: merged.clients }]}
          />
        )}
        {hasLatency && (
          <Chart
            title="Latency"
            unit="ms"
            {...common}
            series={merged.latency.map((each, index) => ({
              title: percentileTitle(each.quantile),
              color: ["--c1", "--c2", "--c3"][index],
              values: each.values,
            }))}
          />
        )}
      </div>
    </section>
  );
}
