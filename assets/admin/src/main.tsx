import { Component, render, type ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Modal, NoticeBar, notice, QuestionDialog } from "./dialog";
import { ago } from "./format";
import { chooseTimeframe, timeframe, timeframes } from "./graphite";
import { ChannelPage } from "./pages/channel";
import { Counter } from "./pages/counter";
import { Lookup } from "./pages/lookup";
import { NodePage } from "./pages/node";
import { Nodes } from "./pages/nodes";
import { Overview } from "./pages/overview";
import { TopicPage } from "./pages/topic";
import { Topics } from "./pages/topics";
import { isPaused, lostSince, refreshAll } from "./poll";
import { go, Link, route } from "./route";
import { settings } from "./settings";
import { useStore } from "./store";
import { choice, choose, type Choice } from "./theme";
import "./style.css";

const places = [
  { to: "/", text: "Overview", key: "o" },
  { to: "/topics", text: "Topics", key: "t" },
  { to: "/nodes", text: "Nodes", key: "n" },
  { to: "/counter", text: "Counter", key: "c" },
  { to: "/lookup", text: "Lookup", key: "l" },
];

function Page() {
  const { segments } = useStore(route);
  const [first, second, third] = segments;
  useEffect(() => {
    const trail = segments.length > 0 ? segments.join(" / ") : "overview";
    document.title = `${trail} · nsq admin`;
  }, [segments]);
  if (first === undefined) return <Overview />;
  if (first === "topics" && third !== undefined) return <ChannelPage key={segments.join("/")} topic={second} channel={third} />;
  if (first === "topics" && second !== undefined) return <TopicPage key={second} topic={second} />;
  if (first === "topics") return <Topics />;
  if (first === "nodes" && second !== undefined) return <NodePage key={second} node={second} />;
  if (first === "nodes") return <Nodes />;
  if (first === "counter") return <Counter />;
  if (first === "lookup") return <Lookup />;
  return <div class="alert error">There is no such page.</div>;
}

// A page that cannot be drawn must not leave an empty window.
class Guard extends Component<{ children: ComponentChildren; at: string }, { error: Error | null; at: string }> {
  state = { error: null as Error | null, at: "" };
  static getDerivedStateFromProps(props: { at: string }, state: { error: Error | null; at: string }) {
    return props.at === state.at ? null : { error: null, at: props.at };
  }
  componentDidCatch(error: Error) {
    this.setState({ error });
  }
  render() {
    if (!this.state.error) return this.props.children;
    return (
      <div class="alert error" role="alert">
        This page cannot be shown: {this.state.error.message}
      </div>
    );
  }
}

function Liveness() {
  const lost = useStore(lostSince);
  const paused = useStore(isPaused);
  const [, tick] = useState(0);
  useEffect(() => {
    if (lost === 0) return;
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, [lost]);
  const state = lost !== 0 ? "lost" : paused ? "still" : "live";
  const text = state === "lost" ? `no answer for ${ago(Math.round((Date.now() - lost) / 1000))}` : state;
  return (
    <button
      class={`liveness ${state}`}
      title={paused ? "Refresh by itself again (p)" : "Stop refreshing (p)"}
      aria-pressed={paused}
      onClick={() => isPaused.set(!paused)}
    >
      <span class="dot" aria-hidden="true" />
      <span role="status">{text}</span>
    </button>
  );
}

const nextTheme: Record<Choice, Choice> = { auto: "light", light: "dark", dark: "auto" };
const themeSigns: Record<Choice, string> = { auto: "◐", light: "☀", dark: "☾" };

function Header({ onHelp }: { onHelp: () => void }) {
  const { segments } = useStore(route);
  const wanted = useStore(choice);
  const time = useStore(timeframe);
  const here = segments[0] ?? "";
  return (
    <header>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), document.getElementById("main")?.focus())}>
        To the content
      </a>
      <Link to="/" class="logo" aria-label="nsq admin, overview">
        <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="7" class="logo-back" />
          <path d="M7 10h18M7 16h12M7 22h6" class="logo-lines" />
          <circle cx="24" cy="21" r="3.5" class="logo-dot" />
        </svg>
        <span>NSQ</span>
      </Link>
      <nav class="places" aria-label="Pages">
        {places.map((place) => (
          <Link
            key={place.to}
            to={place.to}
            aria-current={here === place.to.slice(1) ? "page" : undefined}
            title={`${place.text} (g ${place.key})`}
          >
            {place.text}
          </Link>
        ))}
      </nav>
      <span class="grow" />
      {settings.graph_enabled && (
        <label class="timeframe">
          <span class="sr-only">Time shown by Graphite</span>
          <select value={time} onChange={(event) => chooseTimeframe(event.currentTarget.value)}>
            {timeframes.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
      )}
      <Liveness />
      <button class="quiet icon" onClick={() => choose(nextTheme[wanted])} aria-label={`Theme: ${wanted}`} title={`Theme: ${wanted}`}>
        {themeSigns[wanted]}
      </button>
      <button class="quiet icon" onClick={onHelp} aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)">
        ?
      </button>
    </header>
  );
}

const shortcuts: [string, string][] = [
  ["g then o, t, n, c, l", "overview, topics, nodes, counter, lookup"],
  ["/", "search in the table"],
  ["r", "refresh now"],
  ["p", "stop or go on refreshing"],
  ["Esc", "close a dialog, leave the search"],
  ["?", "this help"],
];

function Help({ onClose }: { onClose: () => void }) {
  return (
    <Modal title="Keyboard" onClose={onClose}>
      <dl class="shortcuts">
        {shortcuts.map(([keys, what]) => (
          <div key={keys}>
            <dt>{keys}</dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <div class="dialog-buttons">
        <button class="primary" autofocus onClick={onClose}>
          Close
        </button>
      </div>
    </Modal>
  );
}

function useKeys(openHelp: () => void) {
  useEffect(() => {
    let afterG = 0;
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && (target as HTMLInputElement).type !== "checkbox";
      if (event.key === "Escape" && isTyping) return target.blur();
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      const place = Date.now() - afterG < 1000 && places.find((each) => each.key === event.key);
      afterG = event.key === "g" ? Date.now() : 0;
      if (place) go(place.to);
      else if (event.key === "/") document.querySelector<HTMLInputElement>("input.search")?.focus();
      else if (event.key === "r") refreshAll();
      else if (event.key === "p") isPaused.set(!isPaused.get());
      else if (event.key === "?") openHelp();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}

function App() {
  const { path } = useStore(route);
  const lost = useStore(lostSince);
  const [hasHelp, setHelp] = useState(false);
  useKeys(() => setHelp(true));
  useEffect(() => {
    if (notice.get()?.kind !== "done") notice.set(null);
  }, [path]);
  return (
    <>
      <Header onHelp={() => setHelp(true)} />
      <NoticeBar />
      {lost !== 0 && (
        <div class="lost-bar" role="alert">
          The admin server does not answer. What is shown is old; trying again every few seconds.
        </div>
      )}
      <main id="main" tabIndex={-1}>
        <Guard at={path}>
          <Page />
        </Guard>
      </main>
      <footer>
        <span>v{settings.version}</span>
        {settings.user && <span>{settings.user}</span>}
        {!settings.is_admin && <span>read only</span>}
        <a href="https://nsq.io" rel="noreferrer noopener" target="_blank">
          Documentation
        </a>
        <a href="https://github.com/nsqio/nsq" rel="noreferrer noopener" target="_blank">
          GitHub
        </a>
      </footer>
      <QuestionDialog />
      {hasHelp && <Help onClose={() => setHelp(false)} />}
    </>
  );
}

render(<App />, document.getElementById("app")!);
