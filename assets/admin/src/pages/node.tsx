import { nodeApi, type Channel, type NodeAnswer, type Topic } from "../api";
import { Charts, type Live } from "../charts";
import { count, short } from "../format";
import { Graphite } from "../graphite";
import { clientColumns, Crumbs, depthColumns, Figure, number, PageState, Paused, TombstoneButton } from "../parts";
import { usePoll } from "../poll";
import { channelPath, Link, nodePath, topicPath } from "../route";
import { Table, type Column } from "../table";
import { channelColumns } from "./topic";

const sumChannels = (topics: Topic[], value: (channel: Channel) => number) =>
  topics.reduce((all, topic) => all + (topic.channels ?? []).reduce((sum, channel) => sum + value(channel), 0), 0);

const topicColumns = (node: string): Column<Topic>[] => [
  {
    key: "topic",
    title: "Topic",
    value: (row) => row.topic_name,
    cell: (row) => (
      <>
        <TombstoneButton node={node} topic={row.topic_name} />{" "}
        <Link to={topicPath(row.topic_name)}>{row.topic_name}</Link> <Paused yes={row.paused} />
      </>
    ),
  },
  ...depthColumns<Topic>(),
  number("messages", "Messages", (row) => row.message_count),
  number("channels", "Channels", (row) => row.channels?.length ?? 0),
];

type Row = Channel & { topic_name: string };

// A channel's clients, which the reader opens where they matter.
function ChannelClients({ channel }: { channel: Channel }) {
  const clients = channel.clients ?? [];
  return (
    <details class="channel-clients">
      <summary>
        {channel.topic_name} / <Link to={channelPath(channel.topic_name, channel.channel_name)}>{channel.channel_name}</Link>{" "}
        <span class="badge">{count(clients.length)}</span> <Paused yes={channel.paused} />
      </summary>
      <Table
        name={`clients of ${channel.channel_name}`}
        rows={clients}
        columns={clientColumns(channel, false)}
        id={(row) => row.remote_address}
        empty="No client is connected to this channel here."
      />
    </details>
  );
}

export function NodePage({ node }: { node: string }) {
  const { data, error, at } = usePoll<NodeAnswer>(nodeApi(node));
  const topics = data?.topics ?? [];
  const channels: Row[] = topics.flatMap((topic) => topic.channels ?? []);
  const depth = topics.reduce((all, topic) => all + topic.depth, 0) + sumChannels(topics, (each) => each.depth);
  const live: Live | null = data && {
    depth,
    in_flight: sumChannels(topics, (each) => each.in_flight_count),
    deferred: sumChannels(topics, (each) => each.deferred_count),
    clients: data.total_clients,
    messages: data.total_messages,
    requeues: sumChannels(topics, (each) => each.requeue_count),
    timeouts: sumChannels(topics, (each) => each.timeout_count),
  };
  return (
    <>
      <Crumbs trail={[{ to: "/nodes", text: "Nodes" }, { to: nodePath(node), text: node }]} />
      <h1 class="page-title">
        <span class="kind">Node</span> {node}
      </h1>
      <PageState data={data} error={error}>
        {data && live && (
          <>
            <div class="figures">
              <Figure title="Topics" value={count(topics.length)} />
              <Figure title="Channels" value={count(channels.length)} />
              <Figure title="Depth" value={short(depth)} hint={count(depth)} />
              <Figure title="In flight" value={short(live.in_flight)} />
              <Figure title="Messages" value={short(data.total_messages)} hint={count(data.total_messages)} />
              <Figure title="Clients" value={count(data.total_clients)} />
            </div>
            <Charts query={`node=${encodeURIComponent(node)}`} live={live} at={at} isNode />
            <section>
              <h2>Topics</h2>
              <Table
                name="topics"
                rows={topics}
                columns={topicColumns(data.node)}
                id={(row) => row.topic_name}
                text={topics.length > 10 ? (row) => row.topic_name : undefined}
                sort={{ key: "topic", down: false }}
                empty="There are no topics on this node."
              />
            </section>
            <section>
              <h2>Channels</h2>
              <Table
                name="channels"
                rows={channels}
                columns={[
                  {
                    key: "channel",
                    title: "Channel",
                    value: (row: Row) => `${row.topic_name}/${row.channel_name}`,
                    cell: (row: Row) => (
                      <>
                        <span class="muted">{row.topic_name} / </span>
                        <Link to={channelPath(row.topic_name, row.channel_name)}>{row.channel_name}</Link>{" "}
                        <Paused yes={row.paused} />
                      </>
                    ),
                  },
                  ...channelColumns,
                ]}
                id={(row) => `${row.topic_name}/${row.channel_name}`}
                text={channels.length > 10 ? (row) => `${row.topic_name} ${row.channel_name}` : undefined}
                sort={{ key: "channel", down: false }}
                empty="There are no channels on this node."
              />
            </section>
            {data.total_clients > 0 && (
              <section>
                <h2>Clients</h2>
                {channels
                  .filter((channel) => (channel.clients ?? []).length > 0)
                  .map((channel) => (
                    <ChannelClients key={`${channel.topic_name}/${channel.channel_name}`} channel={channel} />
                  ))}
              </section>
            )}
            {data.total_clients === 0 && channels.length > 0 && <p class="muted">No client is connected.</p>}
            <Graphite subject={{ node }} />
          </>
        )}
      </PageState>
    </>
  );
}
