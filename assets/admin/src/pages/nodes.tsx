import { type Node, type NodesAnswer } from "../api";
import { count } from "../format";
import { number, PageState } from "../parts";
import { usePoll } from "../poll";
import { Link, nodePath, topicPath } from "../route";
import { settings } from "../settings";
import { Table, type Column } from "../table";

const addressOf = (node: Node) =>
  node.broadcast_address.includes(":")
    ? `[${node.broadcast_address}]:${node.http_port}`
    : `${node.broadcast_address}:${node.http_port}`;

function Topics({ node }: { node: Node }) {
  const topics = node.topics ?? [];
  if (topics.length === 0) return <span class="muted">none</span>;
  return (
    <details class="topics-of" open={topics.length <= 6}>
      <summary>
        <span class="badge">{count(topics.length)}</span>
      </summary>
      <span class="labels">
        {topics.map((each) => (
          <Link
            key={each.topic}
            to={topicPath(each.topic)}
            class={`label${each.tombstoned ? " warn" : ""}`}
            title={each.tombstoned ? "Tombstoned: lookupds hide this topic on this node for now" : undefined}
          >
            {each.topic}
            {each.tombstoned && " †"}
          </Link>
        ))}
      </span>
    </details>
  );
}

const columns: Column<Node>[] = [
  { key: "host", title: "Hostname", value: (row) => row.hostname, cell: (row) => row.hostname },
  {
    key: "address",
    title: "Broadcast address",
    value: (row) => row.broadcast_address,
    cell: (row) => <Link to={nodePath(addressOf(row))}>{row.broadcast_address}</Link>,
  },
  { ...number<Node>("tcp", "TCP port", (row) => row.tcp_port), cell: (row) => row.tcp_port },
  { ...number<Node>("http", "HTTP port", (row) => row.http_port), cell: (row) => row.http_port },
  {
    key: "version",
    title: "Version",
    value: (row) => row.version,
    cell: (row) => (
      <span class={row.out_of_date ? "label warn" : ""} title={row.out_of_date ? "Other nodes run a later version" : ""}>
        {row.version}
      </span>
    ),
  },
  { key: "region", title: "Region", value: (row) => row.topology_region ?? "", cell: (row) => row.topology_region ?? "" },
  { key: "zone", title: "Zone", value: (row) => row.topology_zone ?? "", cell: (row) => row.topology_zone ?? "" },
];

const lookupdColumn: Column<Node> = {
  key: "lookupds",
  title: "Lookupd conns.",
  hint: "How many lookupds know the node",
  numeric: true,
  value: (row) => row.remote_addresses?.length ?? 0,
  cell: (row) => {
    const known = row.remote_addresses ?? [];
    const all = settings.nsqlookupd.length;
    return (
      <details class="lookupds">
        <summary class={known.length === all ? "label" : "label bad"}>
          {known.length}
          {known.length !== all && ` of ${all}`}
        </summary>
        <ul>
          {known.map((each) => (
            <li key={each}>{each}</li>
          ))}
        </ul>
      </details>
    );
  },
};

export function Nodes() {
  const { data, error } = usePoll<NodesAnswer>("/api/nodes");
  const shown = settings.nsqlookupd.length > 0 ? [...columns, lookupdColumn] : columns;
  return (
    <>
      <h1 class="page-title">
        Nodes <span class="badge">{data ? count(data.nodes.length) : "…"}</span>
      </h1>
      <PageState data={data} error={error}>
        {data && (
          <Table
            name="nodes"
            rows={data.nodes}
            columns={[
              ...shown,
              {
                key: "topics",
                title: "Topics",
                value: (row: Node) => row.topics?.length ?? 0,
                cell: (row: Node) => <Topics node={row} />,
                className: "wide",
              },
            ]}
            id={addressOf}
            rowClass={(row) => (row.out_of_date ? "warn-row" : "")}
            text={(row) =>
              `${row.hostname} ${addressOf(row)} ${row.version} ${row.topology_region ?? ""} ${row.topology_zone ?? ""} ` +
              (row.topics ?? []).map((each) => each.topic).join(" ")
            }
            sort={{ key: "host", down: false }}
            empty="No node is known. Daemons appear here once they have registered with a lookupd."
          />
        )}
      </PageState>
    </>
  );
}
