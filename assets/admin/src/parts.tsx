// Small things that several pages show.
import type { ComponentChildren } from "preact";
import { ApiError, type Latency, nodeApi, call, type Client } from "./api";
import { confirmed, perform } from "./dialog";
import { count, counted, duration, percentileTitle } from "./format";
import { lostSince } from "./poll";
import { Link, nodePath } from "./route";
import { settings } from "./settings";
import { useStore } from "./store";
import type { Column } from "./table";

export function Crumbs({ trail }: { trail: { to: string; text: string }[] }) {
  return (
    <nav class="crumbs" aria-label="Where you are">
      {trail.map((step, index) => (
        <span key={index}>
          {index > 0 && <span class="muted"> / </span>}
          <Link to={step.to}>{step.text}</Link>
        </span>
      ))}
    </nav>
  );
}

// What stands in for a page without data, and above one that lacks some.
export function PageState({ data, error, children }: {
  data: { message: string } | null;
  error: ApiError | null;
  children?: ComponentChildren;
}) {
  const lost = useStore(lostSince) !== 0;
  return (
    <>
      {error && error.status !== 0 && (
        <div class="alert error" role="alert">
          {error.message}
        </div>
      )}
      {!data && !error && (
        <div class="loading" role="status">
          Loading…
        </div>
      )}
      {!data && error?.status === 0 && (
        <div class="alert error" role="alert">
          The admin server does not answer. Trying again…
        </div>
      )}
      {data?.message && (
        <div class="alert warning" role="status">
          {data.message}
        </div>
      )}
      {data && <div class={lost || error ? "stale" : ""}>{children}</div>}
    </>
  );
}

export function Paused({ yes }: { yes: boolean }) {
  return yes ? <span class="label paused">paused</span> : null;
}

export function Figure({ title, value, hint, alarm }: {
  title: string;
  value: ComponentChildren;
  hint?: string;
  alarm?: boolean;
}) {
  return (
    <div class={`figure${alarm ? " alarm" : ""}`} title={hint}>
      <div class="figure-value">{value}</div>
      <div class="figure-title">{title}</div>
    </div>
  );
}

function NodeLink({ node }: { node: string }) {
  return (
    <Link to={nodePath(node)} class="address">
      {node}
    </Link>
  );
}

// Where a node is: its host name, and its address where that says more.
export function NodeName({ node, hostname }: { node: string; hostname: string }) {
  const colon = node.lastIndexOf(":");
  const host = node.slice(0, colon);
  if (!hostname || hostname.toLowerCase() === host.toLowerCase()) return <NodeLink node={node} />;
  return (
    <span>
      {hostname} <span class="muted">(</span>
      <NodeLink node={node} />
      <span class="muted">)</span>
    </span>
  );
}

export function MemoryDisk({ memory, disk }: { memory: number; disk: number }) {
  return (
    <span class={disk > 0 ? "" : "muted"}>
      {count(memory)} + {count(disk)}
    </span>
  );
}

// One column for each percentile that any of the rows has.
export function latencyColumns<Row>(rows: Row[], latency: (row: Row) => Latency): Column<Row>[] {
  const quantiles = new Set<number>();
  for (const row of rows) for (const each of latency(row)?.percentiles ?? []) quantiles.add(each.quantile);
  return [...quantiles]
    .sort((a, b) => b - a)
    .map((quantile) => {
      const find = (row: Row) => latency(row)?.percentiles?.find((each) => each.quantile === quantile);
      return {
        key: `q${quantile}`,
        title: percentileTitle(quantile),
        group: "End-to-end latency",
        numeric: true,
        value: (row: Row) => find(row)?.average ?? 0,
        cell: (row: Row) => <LatencyCell of={latency(row)} quantile={quantile} />,
      };
    });
}

export function LatencyCell({ of, quantile }: { of: Latency; quantile: number }) {
  const found = of?.percentiles?.find((each) => each.quantile === quantile);
  if (!found || of.count === 0) return <span class="muted">–</span>;
  const hint = `${percentileTitle(quantile)}: min ${duration(found.min)}, max ${duration(found.max)}`;
  return <span title={hint}>{duration(found.average)}</span>;
}

export async function tombstone(node: string, topic: string) {
  const yes = await confirmed({
    title: "Remove a topic from a node?",
    confirm: "Remove",
    danger: true,
    body: (
      <p>
        This will <strong>tombstone</strong> <em>{topic}</em> on <em>{node}</em>, and delete the topic there with all
        its messages. Other nodes keep theirs.
      </p>
    ),
  });
  if (yes) await perform(`Removed ${topic} from ${node}`, () => call("DELETE", nodeApi(node), { topic }));
}

export function TombstoneButton({ node, topic }: { node: string; topic: string }) {
  if (!settings.is_admin) return null;
  return (
    <button
      class="quiet cross"
      title="Remove this topic from this node"
      aria-label={`Remove ${topic} from ${node}`}
      onClick={() => tombstone(node, topic)}
    >
      ✕
    </button>
  );
}

// Why a client gets nothing just now; empty if it does, or could.
export function idleReason(client: Client, channel: { paused: boolean; depth: number }): string {
  if (channel.paused) return "paused";
  if (client.ready_count <= 0) return "RDY 0";
  if (client.in_flight_count >= client.ready_count) return "at its limit";
  return "";
}

const reasonHints: Record<string, string> = {
  paused: "The channel is paused: nobody gets messages.",
  "RDY 0": "The client asks for nothing: it backs off, is busy, or shares its ready count over many connections.",
  "at its limit": "The client holds as many messages as it asked for, and has to finish some first.",
};

export function clientColumns(channel: { paused: boolean; depth: number }, withNode: boolean): Column<Client>[] {
  const columns: Column<Client>[] = [
    {
      key: "host",
      title: "Client host",
      value: (client) => client.hostname,
      cell: (client) => <ClientName client={client} />,
    },
    {
      key: "agent",
      title: "User agent",
      value: (client) => client.user_agent,
      cell: (client) => <small>{client.user_agent || "–"}</small>,
    },
    { key: "attributes", title: "Attributes", cell: (client) => <Attributes client={client} withTopology={withNode} /> },
  ];
  if (withNode) {
    columns.push({
      key: "node",
      title: "NSQd host",
      value: (client) => client.node,
      cell: (client) => <NodeLink node={client.node} />,
    });
  }
  columns.push(
    {
      key: "state",
      title: "State",
      hint: "Why a client gets nothing just now",
      value: (client) => idleReason(client, channel),
      cell: (client) => {
        const reason = idleReason(client, channel);
        if (!reason) return <span class="label good">ready</span>;
        return (
          <span class="label warn" title={reasonHints[reason]}>
            {reason}
          </span>
        );
      },
    },
    number("in_flight", "In flight", (client) => client.in_flight_count),
    number("ready", "Ready", (client) => client.ready_count),
    number("finished", "Finished", (client) => client.finish_count),
    number("requeued", "Requeued", (client) => client.requeue_count),
    number("messages", "Messages", (client) => client.message_count),
    {
      key: "connected",
      title: "Connected",
      numeric: true,
      value: (client) => client.connected,
      cell: (client) => duration(client.connected),
    },
  );
  return columns;
}

export function number<Row>(key: string, title: string, value: (row: Row) => number, group?: string): Column<Row> {
  return { key, title, group, numeric: true, value, cell: (row) => count(value(row)) };
}

// Of whatever has messages: how many, and where they are.
export function depthColumns<Row extends { depth: number; memory_depth: number; backend_depth: number }>(): Column<Row>[] {
  return [
    number("depth", "Depth", (row) => row.depth),
    {
      key: "split",
      title: "Memory + disk",
      numeric: true,
      value: (row) => row.backend_depth,
      cell: (row) => <MemoryDisk memory={row.memory_depth} disk={row.backend_depth} />,
    },
  ];
}

function ClientName({ client }: { client: Client }) {
  const port = client.remote_address.slice(client.remote_address.lastIndexOf(":") + 1);
  const short = client.hostname.split(".")[0];
  const says = client.client_id.toLowerCase();
  const isOther = says !== short.toLowerCase() && says !== client.hostname.toLowerCase();
  return (
    <span title={client.remote_address} class="address">
      {client.hostname}:{port}
      {isOther && client.client_id && <span class="muted"> ({client.client_id})</span>}
    </span>
  );
}

function Attributes({ client, withTopology }: { client: Client; withTopology: boolean }) {
  const { topology_region: region, topology_zone: zone } = client;
  const sameRegion = !!region && region === client.node_topology_region;
  const sameZone = sameRegion && !!zone && zone === client.node_topology_zone;
  const tls = `${client.tls_version} ${client.tls_cipher_suite} ${client.tls_negotiated_protocol} mutual: ${client.tls_negotiated_protocol_is_mutual}`;
  return (
    <span class="labels">
      {client.sample_rate > 0 && <span class="label">Sampled {client.sample_rate}%</span>}
      {client.tls && (
        <span class="label good" title={tls}>
          TLS
        </span>
      )}
      {client.deflate && <span class="label">Deflate</span>}
      {client.snappy && <span class="label">Snappy</span>}
      {client.authed && <Identity client={client} />}
      {withTopology && region && <span class="label">{region}</span>}
      {withTopology && zone && <span class="label">{zone}</span>}
      {withTopology && sameZone && <span class="label good">zoneLocal</span>}
      {withTopology && sameRegion && !sameZone && <span class="label warn">regionLocal</span>}
    </span>
  );
}

// The address comes from an auth server: only http leads anywhere.
function Identity({ client }: { client: Client }) {
  const text = client.auth_identity || "authed";
  if (!/^https?:\/\//i.test(client.auth_identity_url)) {
    return (
      <span class="label" title="Authorised as">
        {text}
      </span>
    );
  }
  return (
    <a class="label" title="Authorised as" href={client.auth_identity_url} rel="noreferrer noopener" target="_blank">
      {text}
    </a>
  );
}

export function clientClass(client: Client): string {
  const { topology_region: region, topology_zone: zone } = client;
  if (!region || region !== client.node_topology_region) return "";
  return zone && zone === client.node_topology_zone ? "same-zone" : "same-region";
}

export const messages = (value: number) => counted(value, "message");
