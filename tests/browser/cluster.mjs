// A small cluster for the browser to look at: real daemons and a real admin server, and lookupds and
// daemons played by this process where a test needs what real ones do not say.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const binary = process.env.NSQ_BINARY;
const host = "127.0.0.1";
const patienceMs = 15_000;

const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

// Starts a program and waits for the address it listens on.
async function start(words, listening) {
  const child = spawn(binary, words, { stdio: ["ignore", "ignore", "pipe"] });
  running.add(child);
  child.on("exit", () => running.delete(child));
  let log = "";
  const port = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${words[0]} does not listen:\n${log}`)), patienceMs);
    child.on("exit", () => reject(new Error(`${words[0]} ended:\n${log}`)));
    child.stderr.on("data", (bytes) => {
      log += bytes;
      const found = log.match(listening);
      if (!found) return;
      clearTimeout(timer);
      resolve(Number(found[1]));
    });
  });
  const log_of = () => log;
  return { child, port, log_of };
}

async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.on("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

export async function ask(method, url, body, headers = {}) {
  return await fetch(url, { method, body, headers });
}

export class Daemon {
  static async start(options = []) {
    const daemon = new Daemon();
    daemon.directory = mkdtempSync(join(tmpdir(), "nsq-browser-"));
    const words = ["daemon", `--data-path=${daemon.directory}`, `--tcp-address=${host}:0`, `--http-address=${host}:0`,
      `--broadcast-address=${host}`, ...options];
    const { child, port, log_of } = await start(words, /HTTP: listening on .*:(\d+)/);
    daemon.child = child;
    daemon.httpPort = port;
    daemon.tcpPort = Number(log_of().match(/TCP: listening on .*:(\d+)/)[1]);
    daemon.address = `${host}:${port}`;
    return daemon;
  }
  async post(target, body = "") {
    const response = await ask("POST", `http://${this.address}${target}`, body);
    if (response.status !== 200) throw new Error(`${target}: ${response.status} ${await response.text()}`);
  }
  async publish(topic, ...bodies) {
    await this.post(`/mpub?topic=${encodeURIComponent(topic)}`, bodies.join("\n"));
  }
  async stats() {
    return await (await ask("GET", `http://${this.address}/stats?format=json`)).json();
  }
  async topic(name) {
    return (await this.stats()).topics.find((topic) => topic.topic_name === name);
  }
  async kill() {
    await stop(this.child);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

// A consumer that takes `ready` messages and answers none of them.
export class Consumer {
  static async start(daemon, topic, channel, ready, identity = {}) {
    const consumer = new Consumer();
    consumer.socket = net.connect(daemon.tcpPort, host);
    await new Promise((resolve, reject) => consumer.socket.once("connect", resolve).once("error", reject));
    consumer.socket.on("data", () => {});
    consumer.socket.on("error", () => {});
    const body = Buffer.from(JSON.stringify({ client_id: "worker", hostname: "worker.example.com",
      user_agent: "browser-test/1.0", feature_negotiation: false, ...identity }));
    const size = Buffer.alloc(4);
    size.writeUInt32BE(body.length);
    consumer.socket.write(Buffer.concat([Buffer.from("  V2IDENTIFY\n"), size, body]));
    consumer.socket.write(`SUB ${topic} ${channel}\nRDY ${ready}\n`);
    consumer.heartbeats = setInterval(() => consumer.socket.write("NOP\n"), 10_000);
    return consumer;
  }
  end() {
    clearInterval(this.heartbeats);
    this.socket.destroy();
  }
}

async function serve(answer) {
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", async () => {
      const url = new URL(request.url, `http://${host}`);
      const [status, value] = await answer(request.method, url, Buffer.concat(chunks).toString());
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(JSON.stringify(value));
    });
  });
  await new Promise((resolve) => server.listen(0, host, resolve));
  server.unref();
  return server;
}

// Knows the daemons it is given, by asking them, and topics that nobody has.
export class FakeLookupd {
  static async start(daemons) {
    const lookupd = new FakeLookupd();
    Object.assign(lookupd, { daemons, idle: {}, tombstones: new Set(), asked: [] });
    lookupd.server = await serve((method, url) => lookupd.answer(method, url));
    lookupd.address = `${host}:${lookupd.server.address().port}`;
    return lookupd;
  }
  close() {
    this.server.closeAllConnections?.();
    this.server.close();
  }
  async producers() {
    const found = [];
    for (const [index, daemon] of this.daemons.entries()) {
      let topics = daemon.lastTopics ?? [];
      if (daemon.stats) {
        try {
          topics = (await daemon.stats()).topics.map((topic) => topic.topic_name);
        } catch {
          // It died; lookupd does not know that yet.
        }
      }
      daemon.lastTopics = topics;
      found.push({ remote_address: `${host}:${40000 + index}`, hostname: daemon.hostname ?? `node-${index + 1}`,
        broadcast_address: host, tcp_port: daemon.tcpPort ?? 0, http_port: daemon.httpPort,
        version: daemon.version ?? "1.4.0", topology_zone: "", topology_region: "", topics,
        tombstones: topics.map((topic) => this.tombstones.has(`${topic}@${host}:${daemon.httpPort}`)) });
    }
    return found;
  }
  async channels(topic) {
    const names = new Set(this.idle[topic] ?? []);
    for (const daemon of this.daemons) {
      if (!daemon.topic) continue;
      const found = await daemon.topic(topic).catch(() => undefined);
      for (const channel of found?.channels ?? []) names.add(channel.channel_name);
    }
    return [...names].sort();
  }
  async answer(method, url) {
    const topic = url.searchParams.get("topic");
    const channel = url.searchParams.get("channel");
    this.asked.push(`${method} ${url.pathname}`);
    const producers = await this.producers();
    const of_topic = producers.filter((p) => p.topics.includes(topic) &&
      !this.tombstones.has(`${topic}@${p.broadcast_address}:${p.http_port}`));
    switch (`${method} ${url.pathname}`) {
      case "GET /topics":
        return [200, { topics: [...new Set([...Object.keys(this.idle), ...producers.flatMap((p) => p.topics)])] }];
      case "GET /channels":
        return [200, { channels: await this.channels(topic) }];
      case "GET /nodes":
        return [200, { producers }];
      case "GET /lookup":
        if (of_topic.length === 0 && !(topic in this.idle)) return [404, { message: "TOPIC_NOT_FOUND" }];
        return [200, { channels: [], producers: of_topic }];
      case "POST /topic/create":
        this.idle[topic] ??= [];
        return [200, null];
      case "POST /channel/create":
        this.idle[topic] = [...new Set([...(this.idle[topic] ?? []), channel])];
        return [200, null];
      case "POST /topic/delete":
        delete this.idle[topic];
        return [200, null];
      case "POST /channel/delete":
        if (this.idle[topic]) this.idle[topic] = this.idle[topic].filter((each) => each !== channel);
        return [200, null];
      case "POST /topic/tombstone":
        this.tombstones.add(`${topic}@${url.searchParams.get("node")}`);
        return [200, null];
    }
    return [404, { message: "NOT_FOUND" }];
  }
}

// A daemon that says whatever a test wants.
export class FakeDaemon {
  static async start(topics, more = {}) {
    const daemon = new FakeDaemon();
    daemon.topicsSaid = topics;
    daemon.server = await serve((_, url) => {
      if (url.pathname === "/info") {
        return [200, { version: "1.4.0", broadcast_address: host, hostname: "fake", http_port: daemon.httpPort,
          tcp_port: 1, start_time: 1, ...more }];
      }
      if (url.pathname !== "/stats") return [200, null];
      const [topic, channel] = [url.searchParams.get("topic"), url.searchParams.get("channel")];
      const named = daemon.topicsSaid.filter((each) => topic === null || each.topic_name === topic);
      const found = named.map((each) => ({ ...each,
        channels: each.channels.filter((one) => channel === null || one.channel_name === channel) }));
      return [200, { version: "1.4.0", health: "OK", start_time: 1, topics: found }];
    });
    daemon.httpPort = daemon.server.address().port;
    daemon.address = `${host}:${daemon.httpPort}`;
    return daemon;
  }
  kill() {
    this.server.closeAllConnections?.();
    this.server.close();
  }
}

export class Admin {
  static async start(...options) {
    const admin = new Admin();
    admin.options = options;
    await admin.begin(0);
    return admin;
  }
  async begin(port) {
    const words = ["admin", `--http-address=${host}:${port}`, "--history-interval=500ms", ...this.options];
    const { child, port: bound } = await start(words, /HTTP: listening on .*:(\d+)/);
    this.child = child;
    this.port = bound;
    this.url = `http://${host}:${bound}`;
  }
  async restart() {
    await this.begin(this.port);
  }
  async kill() {
    await stop(this.child);
  }
}

export const lookupds = (...all) => all.map((each) => `--lookupd-http-address=${each.address}`);
export const daemons = (...all) => all.map((each) => `--nsqd-http-address=${each.address}`);
