import { ActionButtons } from "../actions";
import { channelApi, type Channel, type ChannelAnswer, type Client } from "../api";
import { Charts, type Live } from "../charts";
import { count, counted, short } from "../format";
import { Graphite } from "../graphite";
import { clientClass, clientColumns, Crumbs, Figure, idleReason, latencyColumns, LatencyCell, MemoryDisk, NodeName, PageState, Paused } from "../parts";
import { usePoll } from "../poll";
import { channelPath, topicPath } from "../route";
import { Table, type Column } from "../table";
import { channelColumns } from "./topic";

function Delivery({ row }: { row: Channel }) {
  const parts = [
    { title: "zone-local", value: row.zone_local_msg_count ?? 0, kind: "zone" },
    { title: "region-local", value: row.region_local_msg_count ?? 0, kind: "region" },
    { title: "global", value: row.global_msg_count ?? 0, kind: "global" },
  ];
  const all = row.delivery_msg_count ?? 0;
  if (all === 0) return <span class="muted">–</span>;
  const text = parts.map((part) => `${part.title} ${((100 * part.value) / all).toFixed(2)}%`).join(", ");
  let x = 0;
  return (
    <details class="delivery">
      <summary title={text} aria-label={`Delivery: ${text}`}>
        <svg width="80" height="10" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
          {parts.map((part) => {
            const width = (100 * part.value) / all;
            const bar = <rect key={part.kind} class={`bar-${part.kind}`} x={x} y="0" width={width} height="10" />;
            x += width;
            return bar;
          })}
        </svg>
      </summary>
      <div class="delivery-text">{text}</div>
    </details>
  );
}

// Counts of clients by what keeps messages from them.
function idleSummary(clients: Client[], channel: Channel): string {
  const reasons = new Map<string, number>();
  for (const client of clients) {
    const reason = idleReason(client, channel);
    if (reason) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return [...reasons].map(([reason, many]) => `${many} ${reason}`).join(", ");
}

export function ChannelPage({ topic, channel }: { topic: string; channel: string }) {
  const { data, error, at } = usePoll<ChannelAnswer>(channelApi(topic, channel));
  const nodes = data?.nodes ?? [];
  const clients = data?.clients ?? [];
  const live: Live | null = data && {
    depth: data.depth,
    in_flight: data.in_flight_count,
    deferred: data.deferred_count,
    clients: data.client_count,
    messages: data.message_count,
    requeues: data.requeue_count,
    timeouts: data.timeout_count,
  };
  // Without zones everything counts as global, which says nothing.
  const hasPlaces = nodes.some((row) => row.zone_local_msg_count || row.region_local_msg_count);
  const latency = latencyColumns(nodes, (row) => row.e2e_processing_latency);
  const idle = data ? idleSummary(clients, data) : "";
  const columns: Column<Channel>[] = [
    {
      key: "node",
      title: "NSQd host",
      value: (row) => row.hostname || row.node,
      cell: (row) => (
        <>
          <NodeName node={row.node} hostname={row.hostname} /> <Paused yes={row.paused} />
        </>
      ),
    },
    ...channelColumns.map((column, index) => ({ ...column, group: index < 4 ? "Message queues" : "Statistics" })),
    ...(hasPlaces
      ? [{ key: "delivery", title: "Delivery", group: "Statistics", cell: (row: Channel) => <Delivery row={row} /> }]
      : []),
    ...latency,
  ];
  return (
    <>
      <Crumbs
        trail={[
          { to: "/topics", text: "Topics" },
          { to: topicPath(topic), text: topic },
          { to: channelPath(topic, channel), text: channel },
        ]}
      />
      <div class="title-row">
        <h1 class="page-title">
          <span class="kind">Channel</span> {channel} <Paused yes={!!data?.paused} />
        </h1>
        {data && nodes.length > 0 && (
          <ActionButtons
            target={{
              topic,
              channel,
              depth: data.depth,
              inFlight: data.in_flight_count,
              deferred: data.deferred_count,
              consumers: data.client_count,
              paused: data.paused,
            }}
          />
        )}
      </div>
      <PageState data={data} error={error}>
        {data && (
          <>
            <div class="figures">
              <Figure title="Depth" value={short(data.depth)} hint={counted(data.depth, "message")} />
              <Figure title="In flight" value={short(data.in_flight_count)} />
              <Figure title="Deferred" value={short(data.deferred_count)} />
              <Figure title="Requeued" value={short(data.requeue_count)} hint={count(data.requeue_count)} />
              <Figure title="Timed out" value={short(data.timeout_count)} hint={count(data.timeout_count)} />
              <Figure
                title="Consumers"
                value={count(data.client_count)}
                alarm={data.client_count === 0 && data.depth > 0}
              />
            </div>
            {data.client_count === 0 && data.depth > 0 && (
              <div class="alert warning">
                {counted(data.depth, "message")} waiting, and no consumer is connected.
              </div>
            )}
            <Charts
              query={`topic=${encodeURIComponent(topic)}&channel=${encodeURIComponent(channel)}`}
              live={live}
              at={at}
            />
            <section>
              <h2>
                Client connections <span class="badge">{count(clients.length)}</span>
                {idle && <small class="muted"> {idle}</small>}
              </h2>
              <Table
                name="client connections"
                rows={clients}
                columns={clientColumns(data, true)}
                id={(row) => `${row.node} ${row.remote_address}`}
                rowClass={clientClass}
                text={
                  clients.length > 10
                    ? (row) => `${row.hostname} ${row.client_id} ${row.remote_address} ${row.user_agent} ${row.node} ${idleReason(row, data)}`
                    : undefined
                }
                empty="No client is connected to this channel."
              />
            </section>
            <section>
              <h2>Queue on each node</h2>
              <Table
                name="nodes"
                rows={nodes}
                columns={columns}
                id={(row) => row.node}
                text={nodes.length > 10 ? (row) => `${row.node} ${row.hostname}` : undefined}
                sort={{ key: "node", down: false }}
                empty="No node has it."
                total={
                  <tr class="total">
                    <td>Total</td>
                    {channelColumns.map((column) => (
                      <td key={column.key} class="number">
                        {column.key === "split" ? (
                          <MemoryDisk memory={data.memory_depth} disk={data.backend_depth} />
                        ) : (
                          column.cell(data)
                        )}
                      </td>
                    ))}
                    {hasPlaces && <td />}
                    {latency.map((column) => (
                      <td key={column.key} class="number">
                        <LatencyCell of={data.e2e_processing_latency} quantile={Number(column.key.slice(1))} />
                      </td>
                    ))}
                  </tr>
                }
              />
            </section>
            <Graphite subject={{ topic, channel }} />
          </>
        )}
      </PageState>
    </>
  );
}
