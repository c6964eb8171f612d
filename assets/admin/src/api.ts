// The server's JSON API, and what it answers.
import { base, settings } from "./settings";

export interface Percentile {
  quantile: number;
  average: number;
  min: number;
  max: number;
  count: number;
}
export interface Latency {
  count: number;
  percentiles: Percentile[] | null;
}
export interface Client {
  node: string;
  remote_address: string;
  client_id: string;
  hostname: string;
  user_agent: string;
  connected: number;
  in_flight_count: number;
  ready_count: number;
  finish_count: number;
  requeue_count: number;
  message_count: number;
  sample_rate: number;
  deflate: boolean;
  snappy: boolean;
  authed: boolean;
  auth_identity: string;
  auth_identity_url: string;
  node_topology_region?: string;
  node_topology_zone?: string;
  topology_region?: string;
  topology_zone?: string;
  tls: boolean;
  tls_cipher_suite: string;
  tls_version: string;
  tls_negotiated_protocol: string;
  tls_negotiated_protocol_is_mutual: boolean;
}
export interface Channel {
  node: string;
  hostname: string;
  topic_name: string;
  channel_name: string;
  depth: number;
  memory_depth: number;
  backend_depth: number;
  in_flight_count: number;
  deferred_count: number;
  requeue_count: number;
  timeout_count: number;
  message_count: number;
  delivery_msg_count?: number;
  zone_local_msg_count?: number;
  region_local_msg_count?: number;
  global_msg_count?: number;
  client_count: number;
  nodes: Channel[] | null;
  clients: Client[] | null;
  paused: boolean;
  e2e_processing_latency: Latency;
}
export interface Topic {
  node: string;
  hostname: string;
  topic_name: string;
  depth: number;
  memory_depth: number;
  backend_depth: number;
  message_count: number;
  nodes: Topic[] | null;
  channels: Channel[] | null;
  paused: boolean;
  e2e_processing_latency: Latency;
}
export interface Node {
  remote_addresses: string[] | null;
  hostname: string;
  broadcast_address: string;
  tcp_port: number;
  http_port: number;
  version: string;
  topology_zone?: string;
  topology_region?: string;
  topics: { topic: string; tombstoned: boolean }[] | null;
  out_of_date: boolean;
}
export interface Answer {
  message: string;
}
export type TopicAnswer = Topic & Answer;
export type ChannelAnswer = Channel & Answer;
export interface NodesAnswer extends Answer {
  nodes: Node[];
}
export interface NodeAnswer extends Answer {
  node: string;
  topics: Topic[];
  total_messages: number;
  total_clients: number;
}
export interface Totals {
  depth: number;
  memory_depth: number;
  backend_depth: number;
  in_flight_count: number;
  deferred_count: number;
  message_count: number;
  client_count: number;
  message_rate: number | null;
}
export interface TopicRow extends Totals {
  topic_name: string;
  channel_count: number;
  node_count: number;
  paused: boolean;
  paused_channels: number;
}
export interface NodeRow extends Totals {
  node: string;
  hostname: string;
  version: string;
  out_of_date: boolean;
  reachable: boolean;
  health: string;
  start_time: number;
  topic_count: number;
  channel_count: number;
}
export interface Attention {
  kind: string;
  topic: string;
  channel: string;
  node: string;
  value: number;
  text: string;
}
export interface OverviewAnswer extends Answer {
  time: number;
  totals: Totals & { topic_count: number; channel_count: number; node_count: number };
  attention_count: number;
  attention: Attention[];
  topics: TopicRow[];
  nodes: NodeRow[];
}
export interface HistoryAnswer {
  times: number[];
  depth: (number | null)[];
  in_flight: (number | null)[];
  deferred: (number | null)[];
  clients: (number | null)[];
  message_rate: (number | null)[];
  requeue_rate: (number | null)[];
  timeout_rate: (number | null)[];
  latency: { quantile: number; values: (number | null)[] }[];
}

// The server's refusal, or its silence (status 0).
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const timeoutMs = 20_000;

export async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), timeoutMs);
  signal?.addEventListener("abort", () => limit.abort());
  let response: Response;
  let text: string;
  try {
    response = await fetch(base + path, {
      method,
      signal: limit.signal,
      headers: {
        Accept: "application/vnd.nsq; version=1.0",
        "X-NSQ-Page": `nsqadmin/v${settings.version}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    text = await response.text();
  } catch {
    throw new ApiError(0, "The admin server does not answer.");
  } finally {
    clearTimeout(timer);
  }
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new ApiError(response.status, `The admin server's answer is not JSON (status ${response.status}).`);
  }
  if (response.status !== 200) {
    throw new ApiError(response.status, (answer as Answer).message ?? `status ${response.status}`);
  }
  return answer as T;
}

export const enc = encodeURIComponent;
export const topicApi = (topic: string) => `/api/topics/${enc(topic)}`;
export const channelApi = (topic: string, channel: string) => `/api/topics/${enc(topic)}/${enc(channel)}`;
export const nodeApi = (node: string) => `/api/nodes/${enc(node)}`;
