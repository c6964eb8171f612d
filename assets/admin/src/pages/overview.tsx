import { useState } from "preact/hooks";
import type { Attention, NodeRow, OverviewAnswer, TopicRow } from "../api";
import { Charts, type Live } from "../charts";
import { ago, count, counted, rate, short } from "../format";
import { Figure, NodeName, number, PageState, Paused } from "../parts";
import { usePoll } from "../poll";
import { channelPath, Link, nodePath, topicPath } from "../route";
import { settings } from "../settings";
import { Table, type Column } from "../table";

interface Kind {
  label: string;
  level: "bad" | "warn" | "info";
  say: (item: Attention) => string;
}

const kinds: Record<string, Kind> = {
  node_unreachable: { label: "unreachable", level: "bad", say: () => "The node does not answer." },
  node_unhealthy: { label: "unhealthy", level: "bad", say: (item) => item.text },
  no_consumers: {
    label: "no consumers",
    level: "bad",
    say: (item) => `${counted(item.value, "message")} waiting and nobody to take them`,
  },
  deep: { label: "deep", level: "warn", say: (item) => `${counted(item.value, "message")} waiting` },
  no_channels: {
    label: "no channels",
    level: "warn",
    say: (item) => `${counted(item.value, "message")} waiting at the topic until it has a channel`,
  },
  channel_paused: {
    label: "paused",
    level: "info",
    say: (item) => (item.value > 0 ? `${counted(item.value, "message")} waiting` : "nothing waiting"),
  },
  topic_paused: {
    label: "paused",
    level: "info",
    say: (item) => (item.value > 0 ? `${counted(item.value, "message")} held at the topic` : "nothing held"),
  },
  registration: {
    label: "registration",
    level: "warn",
    say: (item) => `known to ${item.value} of ${counted(settings.nsqlookupd.length, "lookupd")}`,
  },
  versions: { label: "versions", level: "info", say: (item) => `the nodes run different versions: ${item.text}` },
};

function Where({ item }: { item: Attention }) {
  if (item.channel) {
    return (
      <>
        <Link to={topicPath(item.topic)}>{item.topic}</Link>
        <span class="muted"> / </span>
        <Link to={channelPath(item.topic, item.channel)}>{item.channel}</Link>
      </>
    );
  }
  if (item.topic) return <Link to={topicPath(item.topic)}>{item.topic}</Link>;
  if (item.node) return <Link to={nodePath(item.node)}>{item.node}</Link>;
  return <Link to="/nodes">cluster</Link>;
}

const firstRows = 8;

function AttentionList({ data }: { data: OverviewAnswer }) {
  const [isLong, setLong] = useState(false);
  const items = isLong ? data.attention : data.attention.slice(0, firstRows);
  return (
    <section aria-label="What needs attention" class="attention">
      <div class="section-head">
        <h2>
          Needs attention <span class="badge">{count(data.attention_count)}</span>
        </h2>
      </div>
      {data.attention_count === 0 && <p class="all-well">Nothing. Every node answers and nothing is piling up.</p>}
      <ul>
        {items.map((item) => {
          const kind = kinds[item.kind] ?? { label: item.kind, level: "info", say: () => item.text };
          return (
            <li key={`${item.kind}/${item.topic}/${item.channel}/${item.node}`}>
              <span class={`label ${kind.level}`}>{kind.label}</span>
              <span class="where">
                <Where item={item} />
              </span>
              <span class="what">{kind.say(item)}</span>
            </li>
          );
        })}
      </ul>
      {data.attention.length > firstRows && (
        <button class="quiet" onClick={() => setLong(!isLong)}>
          {isLong ? "Show less" : `Show ${count(data.attention.length - firstRows)} more`}
        </button>
      )}
      {isLong && data.attention_count > data.attention.length && (
        <p class="muted">The worst {count(data.attention.length)} are shown.</p>
      )}
    </section>
  );
}

export const topicColumns: Column<TopicRow>[] = [
  {
    key: "topic",
    title: "Topic",
    value: (row) => row.topic_name,
    cell: (row) => (
      <>
        <Link to={topicPath(row.topic_name)}>{row.topic_name}</Link> <Paused yes={row.paused} />
        {row.node_count === 0 && (
          <span class="label info" title="Lookupds know it, but no node has it">
            inactive
          </span>
        )}
        {row.paused_channels > 0 && <span class="label paused">{counted(row.paused_channels, "channel")} paused</span>}
      </>
    ),
  },
  number("depth", "Depth", (row) => row.depth),
  number("in_flight", "In flight", (row) => row.in_flight_count),
  number("deferred", "Deferred", (row) => row.deferred_count),
  {
    key: "rate",
    title: "Msg/s",
    hint: "Messages published per second, over the last interval of the history",
    numeric: true,
    value: (row) => row.message_rate ?? -1,
    cell: (row) => rate(row.message_rate),
  },
  number("messages", "Messages", (row) => row.message_count),
  number("channels", "Channels", (row) => row.channel_count),
  number("clients", "Consumers", (row) => row.client_count),
  number("nodes", "Nodes", (row) => row.node_count),
];

const nodeColumns = (now: number): Column<NodeRow>[] => [
  {
    key: "node",
    title: "Node",
    value: (row) => row.hostname || row.node,
    cell: (row) => (
      <>
        <NodeName node={row.node} hostname={row.hostname} />{" "}
        {!row.reachable && <span class="label bad">unreachable</span>}
        {row.health && row.health !== "OK" && (
          <span class="label bad" title={row.health}>
            unhealthy
          </span>
        )}
      </>
    ),
  },
  {
    key: "version",
    title: "Version",
    value: (row) => row.version,
    cell: (row) => <span class={row.out_of_date ? "label warn" : ""}>{row.version}</span>,
  },
  number("depth", "Depth", (row) => row.depth),
  {
    key: "rate",
    title: "Msg/s",
    numeric: true,
    value: (row) => row.message_rate ?? -1,
    cell: (row) => rate(row.message_rate),
  },
  number("messages", "Messages", (row) => row.message_count),
  number("topics", "Topics", (row) => row.topic_count),
  number("clients", "Consumers", (row) => row.client_count),
  {
    key: "up",
    title: "Up",
    numeric: true,
    value: (row) => (row.start_time ? now - row.start_time : 0),
    cell: (row) => (row.start_time ? ago(now - row.start_time) : "–"),
  },
];

export function Overview() {
  const { data, error, at } = usePoll<OverviewAnswer>("/api/overview");
  const totals = data?.totals;
  const live: Live | null = totals
    ? {
        depth: totals.depth,
        in_flight: totals.in_flight_count,
        deferred: totals.deferred_count,
        clients: totals.client_count,
        messages: totals.message_count,
      }
    : null;
  return (
    <>
      <h1 class="page-title">Overview</h1>
      <PageState data={data} error={error}>
        {data && totals && (
          <>
            <div class="figures">
              <Figure title="Depth" value={short(totals.depth)} hint={counted(totals.depth, "message")} />
              <Figure title="Messages/s" value={rate(totals.message_rate)} hint="Published, over the last interval" />
              <Figure title="In flight" value={short(totals.in_flight_count)} />
              <Figure title="Deferred" value={short(totals.deferred_count)} />
              <Figure title="Consumers" value={short(totals.client_count)} />
              <Figure title="Topics" value={count(totals.topic_count)} />
              <Figure title="Channels" value={count(totals.channel_count)} />
              <Figure
                title="Nodes"
                value={count(totals.node_count)}
                alarm={data.nodes.some((node) => !node.reachable)}
                hint={`${data.nodes.filter((node) => node.reachable).length} answer`}
              />
            </div>
            <AttentionList data={data} />
            <Charts query="" live={live} at={at} />
            <section aria-label="Busiest topics">
              <div class="section-head">
                <h2>Deepest topics</h2>
                <Link to="/topics">All topics</Link>
              </div>
              <Table
                name="deepest topics"
                rows={[...data.topics]
                  .sort((a, b) => b.depth - a.depth || b.message_count - a.message_count)
                  .slice(0, 10)}
                columns={topicColumns}
                id={(row) => row.topic_name}
                sort={{ key: "depth", down: true }}
                empty="There are no topics."
              />
            </section>
            <section aria-label="Nodes">
              <div class="section-head">
                <h2>Nodes</h2>
                <Link to="/nodes">Addresses and registration</Link>
              </div>
              <Table
                name="nodes"
                rows={data.nodes}
                columns={nodeColumns(data.time)}
                id={(row) => row.node}
                rowClass={(row) => (row.reachable ? "" : "bad-row")}
                text={data.nodes.length > 10 ? (row) => `${row.node} ${row.hostname} ${row.version}` : undefined}
                pageSize={20}
                sort={{ key: "node", down: false }}
                empty="There are no nodes."
              />
            </section>
          </>
        )}
      </PageState>
    </>
  );
}
