// What the server puts into the document.
export interface Settings {
  version: string;
  base_path: string;
  is_admin: boolean;
  user: string;
  graph_enabled: boolean;
  graphite_url: string;
  statsd_prefix: string;
  statsd_counter_format: string;
  statsd_gauge_format: string;
  statsd_interval: number;
  history_interval_ms: number;
  attention_depth: number;
  nsqlookupd: string[];
}

export const settings: Settings = JSON.parse(document.getElementById("settings")!.textContent!);

// Where paths of the page and of the API begin: "" or "/some/path".
export const base = settings.base_path === "/" ? "" : settings.base_path;
