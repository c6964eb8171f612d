// Charts drawn by a Graphite, where one is configured.
import { useState } from "preact/hooks";
import { base, settings } from "./settings";
import { remember, remembered, Store, useStore } from "./store";
import { route } from "./route";

export const timeframes = ["1h", "2h", "12h", "24h", "48h", "168h", "off"];

export const timeframe = new Store(
  settings.graph_enabled ? (route.get().query.get("t") ?? remembered("graph_interval", "2h")) : "off",
);

export function chooseTimeframe(wanted: string) {
  remember("graph_interval", wanted);
  timeframe.set(wanted);
}

export interface GraphSubject {
  topic?: string;
  channel?: string;
  node?: string;
}

interface Graph {
  title: string;
  colors: string;
  targets: string[];
}

// Names as statsd keeps them.
const clean = (name: string) => name.replace(/ /g, "_").replace(/\//g, "-").replace(/[^a-zA-Z0-9\-_.]/g, "");
const hostKey = (node: string) => node.replace(/[.:]/g, "_");

function prefix(node: string): string {
  const made = settings.statsd_prefix.replace("%s", node === "*" ? "*" : hostKey(node));
  return made === "" || made.endsWith(".") ? made : made + ".";
}

const within = (format: string, key: string) => (format === "" ? key : format.replace("%s", key));
const gauge = (key: string) => within(settings.statsd_gauge_format, key);
const counter = (key: string) => within(settings.statsd_counter_format, key);

function graphsOf({ topic, channel, node }: GraphSubject): Graph[] {
  const all = prefix("*");
  const sum = (target: string) => `sumSeries(${target})`;
  const perSecond = (target: string) => `scale(${sum(target)},${1 / settings.statsd_interval})`;
  if (topic !== undefined && channel !== undefined) {
    const at = `${all}topic.${clean(topic)}.channel.${clean(channel)}.`;
    const g = (title: string, key: string, colors: string) => ({ title, colors, targets: [sum(gauge(at + key))] });
    const c = (title: string, key: string) => ({ title, colors: "blue", targets: [perSecond(counter(at + key))] });
    return [
      g("Depth", "depth", "red"),
      g("In flight", "in_flight_count", "blue"),
      g("Deferred", "deferred_count", "red"),
      c("Requeued", "requeue_count"),
      c("Timed out", "timeout_count"),
      c("Messages", "message_count"),
      g("Connections", "clients", "blue"),
    ];
  }
  if (topic !== undefined) {
    const at = `${all}topic.${clean(topic)}.`;
    return [
      { title: "Topic depth", colors: "red", targets: [sum(gauge(at + "depth"))] },
      { title: "Messages", colors: "blue", targets: [perSecond(counter(at + "message_count"))] },
    ];
  }
  if (node !== undefined) {
    const at = `${prefix(node)}mem.`;
    const four = "red,green,blue,purple";
    return [
      { title: "GC pressure", colors: four, targets: [gauge(`${at}*_bytes`)] },
      { title: "GC pause percentiles", colors: four, targets: [gauge(`${at}gc_pause_*`)] },
      { title: "GC runs", colors: four, targets: [`movingAverage(${counter(`${at}gc_runs`)},45)`] },
      { title: "Heap objects in use", colors: four, targets: [gauge(`${at}heap_objects`)] },
    ];
  }
  return [
    { title: "Message rate", colors: "green", targets: [perSecond(counter(`${all}topic.*.channel.*.message_count`))] },
  ];
}

function address(graph: Graph, time: string, isLarge: boolean): string {
  const parameters = new URLSearchParams({
    bgcolor: "ff000000",
    fgcolor: isLarge ? "999999" : "black",
    width: isLarge ? "800" : "240",
    height: isLarge ? "450" : "60",
    yMin: "0",
    lineMode: "connected",
    drawNullAsZero: "false",
    from: `-${time}`,
    until: "-1min",
    colorList: graph.colors,
  });
  if (!isLarge) for (const key of ["hideGrid", "hideLegend", "hideAxes"]) parameters.set(key, "true");
  if (!isLarge) parameters.set("margin", "0");
  for (const target of graph.targets) {
    parameters.append("target", `summarize(${target},"${settings.statsd_interval}sec","avg")`);
  }
  const server = settings.graphite_url.replace(/\/+$/, "");
  return `${server === "" ? base : server}/render?${parameters}`;
}

export function Graphite({ subject }: { subject: GraphSubject }) {
  const time = useStore(timeframe);
  const [broken, setBroken] = useState<Record<string, boolean>>({});
  if (!settings.graph_enabled || time === "off") return null;
  return (
    <section class="graphite" aria-label="Graphite">
      <h2>Graphite, last {time}</h2>
      <div class="graphs">
        {graphsOf(subject).map((graph) => (
          <figure key={graph.title}>
            <figcaption>{graph.title}</figcaption>
            {broken[graph.title] ? (
              <span class="muted">no chart</span>
            ) : (
              <a href={address(graph, time, true)} target="_blank" rel="noreferrer noopener">
                <img
                  src={address(graph, time, false)}
                  width="240"
                  height="60"
                  alt={`${graph.title} over the last ${time}`}
                  onError={() => setBroken((before) => ({ ...before, [graph.title]: true }))}
                />
              </a>
            )}
          </figure>
        ))}
      </div>
    </section>
  );
}
