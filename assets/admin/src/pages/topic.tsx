import { ActionButtons } from "../actions";
import { topicApi, type Channel, type Topic, type TopicAnswer } from "../api";
import { Charts, type Live } from "../charts";
import { count, short } from "../format";
import { Graphite } from "../graphite";
import { Crumbs, depthColumns, Figure, LatencyCell, latencyColumns, MemoryDisk, NodeName, number, PageState, Paused, TombstoneButton } from "../parts";
import { usePoll } from "../poll";
import { channelPath, Link, topicPath } from "../route";
import { Table, type Column } from "../table";

const sum = <Row,>(rows: Row[], value: (row: Row) => number) => rows.reduce((all, row) => all + value(row), 0);

const nodeColumns = (topic: string): Column<Topic>[] => [
  {
    key: "node",
    title: "NSQd host",
    value: (row) => row.hostname || row.node,
    cell: (row) => (
      <>
        <TombstoneButton node={row.node} topic={topic} /> <NodeName node={row.node} hostname={row.hostname} />{" "}
        <Paused yes={row.paused} />
      </>
    ),
  },
  ...depthColumns<Topic>(),
  number("messages", "Messages", (row) => row.message_count),
  number("channels", "Channels", (row) => row.channels?.length ?? 0),
];

export const channelColumns: Column<Channel>[] = [
  ...depthColumns<Channel>(),
  number("in_flight", "In flight", (row) => row.in_flight_count),
  number("deferred", "Deferred", (row) => row.deferred_count),
  number("requeued", "Requeued", (row) => row.requeue_count),
  number("timed_out", "Timed out", (row) => row.timeout_count),
  number("messages", "Messages", (row) => row.message_count),
  number("connections", "Connections", (row) => row.client_count),
];

// A topic that lookupds know and no node has: the API says so by having asked nobody.
const hasNoProducers = (message: string) => /failed to query any nsqd: $/.test(message);

export function TopicPage({ topic }: { topic: string }) {
  const { data, error, at } = usePoll<TopicAnswer>(topicApi(topic));
  const nodes = data?.nodes ?? [];
  const channels = data?.channels ?? [];
  const all = {
    depth: (data?.depth ?? 0) + sum(channels, (row) => row.depth),
    inFlight: sum(channels, (row) => row.in_flight_count),
    deferred: sum(channels, (row) => row.deferred_count),
    consumers: sum(channels, (row) => row.client_count),
  };
  const live: Live | null = data && {
    depth: all.depth,
    in_flight: all.inFlight,
    deferred: all.deferred,
    clients: all.consumers,
    messages: data.message_count,
    requeues: sum(channels, (row) => row.requeue_count),
    timeouts: sum(channels, (row) => row.timeout_count),
  };
  const isIdle = !data && error && hasNoProducers(error.message);
  return (
    <>
      <Crumbs trail={[{ to: "/topics", text: "Topics" }, { to: topicPath(topic), text: topic }]} />
      <div class="title-row">
        <h1 class="page-title">
          <span class="kind">Topic</span> {topic} <Paused yes={!!data?.paused} />
        </h1>
        {data && nodes.length > 0 && (
          <ActionButtons
            target={{ topic, ...all, channels: channels.length, paused: data.paused }}
          />
        )}
      </div>
      {isIdle ? (
        <div class="alert info" role="status">
          No node has this topic just now. It may be deleted on the <Link to="/lookup">Lookup page</Link>.
        </div>
      ) : (
        <PageState data={data} error={error}>
          {data && nodes.length === 0 && (
            <div class="alert info">
              No node has this topic. See the <Link to="/lookup">Lookup page</Link>.
            </div>
          )}
          {data && nodes.length > 0 && (
            <>
              <div class="figures">
                <Figure title="Depth, channels included" value={short(all.depth)} />
                <Figure title="At the topic itself" value={short(data.depth)} />
                <Figure title="In flight" value={short(all.inFlight)} />
                <Figure title="Deferred" value={short(all.deferred)} />
                <Figure title="Messages" value={short(data.message_count)} hint={count(data.message_count)} />
                <Figure title="Consumers" value={count(all.consumers)} />
              </div>
              <Charts query={`topic=${encodeURIComponent(topic)}`} live={live} at={at} />
              <section>
                <h2>Channels</h2>
                <Table
                  name="channels"
                  rows={channels}
                  columns={[
                    {
                      key: "channel",
                      title: "Channel",
                      value: (row: Channel) => row.channel_name,
                      cell: (row: Channel) => (
                        <>
                          <Link to={channelPath(topic, row.channel_name)}>{row.channel_name}</Link>{" "}
                          <Paused yes={row.paused} />
                          {row.client_count === 0 && row.depth > 0 && <span class="label bad">no consumers</span>}
                        </>
                      ),
                    },
                    ...channelColumns,
                    ...latencyColumns(channels, (row) => row.e2e_processing_latency),
                  ]}
                  id={(row) => row.channel_name}
                  text={channels.length > 10 ? (row) => row.channel_name : undefined}
                  sort={{ key: "channel", down: false }}
                  empty="There are no channels. Messages wait at the topic until one is created."
                />
              </section>
              <section>
                <h2>Topic queue on each node</h2>
                <Table
                  name="nodes"
                  rows={nodes}
                  columns={[...nodeColumns(topic), ...latencyColumns(nodes, (row) => row.e2e_processing_latency)]}
                  id={(row) => row.node}
                  text={nodes.length > 10 ? (row) => `${row.node} ${row.hostname}` : undefined}
                  sort={{ key: "node", down: false }}
                  empty="No node has it."
                  total={
                    <tr class="total">
                      <td>Total</td>
                      <td class="number">{count(data.depth)}</td>
                      <td class="number">
                        <MemoryDisk memory={data.memory_depth} disk={data.backend_depth} />
                      </td>
                      <td class="number">{count(data.message_count)}</td>
                      <td class="number">{count(channels.length)}</td>
                      {latencyColumns(nodes, (row) => row.e2e_processing_latency).map((column) => (
                        <td key={column.key} class="number">
                          <LatencyCell of={data.e2e_processing_latency} quantile={Number(column.key.slice(1))} />
                        </td>
                      ))}
                    </tr>
                  }
                />
              </section>
              <Graphite subject={{ topic }} />
            </>
          )}
        </PageState>
      )}
    </>
  );
}
