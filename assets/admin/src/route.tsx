// Which page is shown, by the address in the browser.
import type { ComponentChildren, JSX } from "preact";
import { Store } from "./store";
import { base } from "./settings";

export interface Route {
  path: string; // below the base path, "/topics/t"
  segments: string[]; // decoded
  query: URLSearchParams;
}

function read(): Route {
  let path = location.pathname;
  if (base && path.startsWith(base)) path = path.slice(base.length);
  if (path === "") path = "/";
  const segments = path.split("/").filter(Boolean).map(decode);
  return { path, segments, query: new URLSearchParams(location.search) };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

export const route = new Store<Route>(read());

export function go(path: string) {
  history.pushState(null, "", base + path);
  route.set(read());
  scrollTo(0, 0);
  // Those who do not see the page hear where they are.
  requestAnimationFrame(() => document.getElementById("main")?.focus({ preventScroll: true }));
}

addEventListener("popstate", () => route.set(read()));

export const topicPath = (topic: string) => `/topics/${encodeURIComponent(topic)}`;
export const channelPath = (topic: string, channel: string) =>
  `/topics/${encodeURIComponent(topic)}/${encodeURIComponent(channel)}`;
export const nodePath = (node: string) => `/nodes/${encodeURIComponent(node)}`;

type LinkProps = { to: string; children: ComponentChildren } & JSX.HTMLAttributes<HTMLAnchorElement>;

export function Link({ to, children, ...others }: LinkProps) {
  const onClick = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(to);
  };
  return (
    <a {...others} href={base + to} onClick={onClick}>
      {children}
    </a>
  );
}
