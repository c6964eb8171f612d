// The admin page in a real browser: each page, each action, and what can go wrong.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { chromium } from "playwright-core";
import { Admin, ask, Consumer, Daemon, daemons, FakeDaemon, FakeLookupd, lookupds } from "./cluster.mjs";

const screenshots = process.env.SCREENSHOTS;
const wide = { width: 1280, height: 900 };
const phone = { width: 375, height: 740 };
const patience = { timeout: 20_000 };

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
});
after(async () => {
  await browser?.close();
});

// A window of its own, which keeps what a page must not do: errors, and requests to others.
async function open(admin, path = "/", options = {}) {
  const context = await browser.newContext({ viewport: wide, reducedMotion: "reduce", colorScheme: "light", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(patience.timeout);
  const problems = [];
  const strangers = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource|ERR_CONNECTION/.test(message.text())) problems.push(message.text());
  });
  page.on("dialog", (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(admin.url) && !url.startsWith("data:")) strangers.push(url);
  });
  await page.goto(admin.url + path);
  return { page, context, problems, strangers, close: () => context.close() };
}

const shot = (page, name) => page.screenshot({ path: join(screenshots, `${name}.png`) });

async function eventually(what, look) {
  const end = Date.now() + patience.timeout;
  for (;;) {
    if (await look()) return;
    if (Date.now() > end) assert.fail(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const has = (page, text, where = "main") => page.locator(where).getByText(text).first().waitFor();
const button = (page, name) => page.getByRole("button", { name, exact: true });
async function confirm(page, word, ...texts) {
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  const text = await dialog.innerText();
  for (const each of texts) assert.ok(text.includes(each), `the dialog does not say '${each}': ${text}`);
  await dialog.getByRole("button", { name: word, exact: true }).click();
  await dialog.waitFor({ state: "detached" });
}

// Nothing may make the page wider than the window.
const overflow = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

describe("a cluster with lookupds", () => {
  let first, second, lookupd, admin, consumers;
  before(async () => {
    [first, second] = await Promise.all([
      Daemon.start(["--e2e-processing-latency-percentile=0.99,0.95,0.5"]),
      Daemon.start(["--e2e-processing-latency-percentile=0.99,0.95,0.5"]),
    ]);
    lookupd = await FakeLookupd.start([first, second]);
    for (const [topic, channels] of Object.entries({
      orders: ["billing", "archive", "search-index"],
      payments: ["ledger", "fraud-check"],
      "user.events": ["metrics#ephemeral"],
      audit: [],
    })) {
      for (const daemon of [first, second]) {
        await daemon.post(`/topic/create?topic=${topic}`);
        for (const channel of channels) {
          await daemon.post(`/channel/create?topic=${topic}&channel=${encodeURIComponent(channel)}`);
        }
      }
    }
    await first.publish("orders", ...Array.from({ length: 1200 }, (_, i) => `order ${i}`));
    await second.publish("orders", ...Array.from({ length: 345 }, (_, i) => `order ${i}`));
    await first.publish("payments", ...Array.from({ length: 40 }, (_, i) => `payment ${i}`));
    await second.publish("audit", "a", "b", "c");
    consumers = await Promise.all([
      Consumer.start(first, "orders", "billing", 5),
      Consumer.start(first, "orders", "billing", 0, { client_id: "lazy", hostname: "lazy.example.com" }),
      Consumer.start(second, "orders", "archive", 200, { client_id: "arch", hostname: "arch.example.com" }),
    ]);
    lookupd.idle = { forgotten: ["leftover"] };
    admin = await Admin.start(...lookupds(lookupd), "--attention-depth=1000");
  });
  after(async () => {
    for (const consumer of consumers ?? []) consumer.end();
    lookupd?.close();
    await Promise.all([admin?.kill(), first?.kill(), second?.kill()]);
  });

  test("the overview tells what needs attention first", async () => {
    const { page, problems, strangers, close } = await open(admin);
    await has(page, "Needs attention");
    await has(page, "nobody to take them");
    await has(page, "waiting at the topic until it has a channel");
    const kinds = await page.locator(".attention li .label").allInnerTexts();
    assert.equal(kinds[0], "no consumers");
    assert.ok(kinds.includes("deep") && kinds.includes("no channels"), kinds.join());
    await page.locator(".attention li a", { hasText: "orders" }).first().click();
    await has(page, "Topic queue on each node");
    assert.deepEqual([problems, strangers], [[], []]);
    await close();
  });

  test("the first load is small, compressed and kept by the browser", async () => {
    const { page, context, close } = await open(admin, "/ping");
    const statuses = [];
    page.on("response", (response) => {
      if (!new URL(response.url()).pathname.startsWith("/api")) statuses.push([response.url(), response.headers()]);
    });
    await page.goto(admin.url);
    await has(page, "Needs attention");
    const bytes = await page.evaluate(() =>
      [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
        .filter((each) => !each.name.includes("/api/"))
        .reduce((sum, each) => sum + each.decodedBodySize, 0));
    assert.ok(bytes > 50_000 && bytes < 300_000, `${bytes} bytes uncompressed`);
    assert.ok(statuses.length >= 3, `${statuses.length} files`);
    for (const [url, headers] of statuses) {
      assert.equal(headers["content-encoding"], "gzip", url);
      if (url.includes("/static/")) assert.match(headers["cache-control"], /immutable/);
    }
    const csp = statuses.find(([url]) => url === `${admin.url}/`)[1]["content-security-policy"];
    assert.match(csp, /default-src 'none'.*frame-ancestors 'none'/);
    await context.close();
    await close();
  });

  test("topics are searched, sorted and chosen", async () => {
    const { page, problems, close } = await open(admin, "/topics");
    const names = () => page.locator("tbody tr td:nth-child(2) a").allInnerTexts();
    await eventually("five topics", async () => (await names()).length === 5);
    assert.deepEqual(await names(), ["audit", "forgotten", "orders", "payments", "user.events"]);
    await page.getByRole("button", { name: "Depth" }).click();
    assert.equal((await names())[0], "orders");
    await page.keyboard.press("/");
    await page.keyboard.type("pay");
    await eventually("one topic", async () => (await names()).join() === "payments");
    await page.keyboard.press("Escape");
    await eventually("all topics again", async () => (await names()).length === 5);
    await page.getByRole("checkbox", { name: "Select payments" }).check();
    await page.getByRole("checkbox", { name: "Select user.events" }).check();
    await shot(page, "topics-selected");
    await button(page, "Pause").click();
    await confirm(page, "Pause", "payments", "user.events", "2 topics");
    await eventually("both are paused", async () =>
      (await first.topic("payments")).paused && (await second.topic("user.events")).paused);
    await has(page, "Pause topics: 2 of 2", ".notice-place");
    await page.getByRole("checkbox", { name: "Select payments" }).check();
    await page.getByRole("checkbox", { name: "Select user.events" }).check();
    await button(page, "Unpause").click();
    await confirm(page, "Unpause");
    await eventually("neither is paused", async () => !(await first.topic("payments")).paused);
    assert.deepEqual(problems, []);
    await close();
  });

  test("a topic is shown with its nodes and channels, and messages are published to it", async () => {
    const { page, problems, close } = await open(admin, "/topics/payments");
    await has(page, "fraud-check");
    await has(page, first.address);
    await page.getByRole("img", { name: /^Depth/ }).waitFor();
    const before = (await first.topic("payments")).message_count + (await second.topic("payments")).message_count;
    await button(page, "Publish…").click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Message", { exact: true }).fill("one\ntwo\nthree");
    await dialog.getByLabel("One message per line").check();
    await shot(page, "publish");
    await dialog.getByRole("button", { name: "Publish 3 messages" }).click();
    await dialog.waitFor({ state: "detached" });
    await eventually("three more messages", async () =>
      (await first.topic("payments")).message_count + (await second.topic("payments")).message_count === before + 3);
    await has(page, "Published 3 messages to payments", ".notice-place");
    assert.deepEqual(problems, []);
    await close();
  });

  test("a topic is paused, let go again and emptied", async () => {
    const { page, close } = await open(admin, "/topics/audit");
    await button(page, "Pause topic").click();
    await confirm(page, "Pause", "audit", "3 messages waiting");
    await eventually("it is paused everywhere", async () =>
      (await first.topic("audit")).paused && (await second.topic("audit")).paused);
    await has(page, "paused");
    await button(page, "Unpause topic").click();
    await confirm(page, "Unpause");
    await eventually("it is not paused", async () => !(await first.topic("audit")).paused);
    await button(page, "Empty queue").click();
    await shot(page, "confirm-empty");
    await confirm(page, "Cancel", "3 waiting messages");
    assert.equal((await second.topic("audit")).depth, 3);
    await button(page, "Empty queue").click();
    await confirm(page, "Empty");
    await eventually("it is empty", async () => (await second.topic("audit")).depth === 0);
    await close();
  });

  test("a channel shows its clients and why they get nothing", async () => {
    const { page, problems, close } = await open(admin, "/topics/orders/billing");
    await has(page, "lazy.example.com");
    await has(page, "RDY 0");
    await has(page, "at its limit");
    await has(page, "browser-test/1.0");
    assert.deepEqual(problems, []);
    await close();
  });

  test("a channel is paused, emptied and deleted", async () => {
    const channel = async (daemon) =>
      (await daemon.topic("orders")).channels.find((each) => each.channel_name === "search-index");
    const { page, close } = await open(admin, "/topics/orders/search-index");
    await button(page, "Pause channel").click();
    await confirm(page, "Pause", "search-index", "1,545 messages");
    await eventually("it is paused", async () => (await channel(first)).paused);
    await button(page, "Unpause channel").click();
    await confirm(page, "Unpause");
    await eventually("it is not paused", async () => !(await channel(first)).paused);
    await button(page, "Empty queue").click();
    await confirm(page, "Empty", "1,545 waiting messages");
    await eventually("it is empty", async () => (await channel(first)).depth === 0);
    await button(page, "Delete channel").click();
    await confirm(page, "Delete", "search-index");
    await has(page, "Topic queue on each node");
    await eventually("it is gone", async () => !(await channel(first)) && !(await channel(second)));
    await close();
  });

  test("a name with a '#' survives every link", async () => {
    const { page, close } = await open(admin, "/topics/user.events");
    await page.getByRole("link", { name: "metrics#ephemeral" }).click();
    await has(page, "Queue on each node");
    assert.match(page.url(), /metrics%23ephemeral$/);
    await page.reload();
    await has(page, "Queue on each node");
    await close();
  });

  test("nodes are listed with where they are registered, and shown one by one", async () => {
    const { page, problems, close } = await open(admin, "/nodes");
    await has(page, "node-1");
    await shot(page, "nodes");
    await page.getByRole("row", { name: /node-1/ }).getByRole("link", { name: "127.0.0.1" }).click();
    await has(page, "orders");
    await has(page, "Clients");
    assert.deepEqual(problems, []);
    await close();
  });

  test("a topic is removed from one node only", async () => {
    await first.post("/topic/create?topic=moving");
    await second.post("/topic/create?topic=moving");
    const { page, close } = await open(admin, "/topics/moving");
    await button(page, `Remove moving from ${second.address}`).click();
    await confirm(page, "Remove", "moving", second.address);
    await eventually("it is gone there", async () => !(await second.topic("moving")));
    assert.ok(await first.topic("moving"));
    await close();
  });

  test("topics are deleted, and the list is shown again", async () => {
    await first.post("/topic/create?topic=doomed");
    await first.publish("doomed", "x", "y");
    const { page, close } = await open(admin, "/topics/doomed");
    await button(page, "Delete topic").click();
    await confirm(page, "Delete", "2 waiting messages");
    await page.waitForURL(/\/topics$/);
    await eventually("it is gone", async () => !(await first.topic("doomed")));
    await close();
  });

  test("streams are laid out in advance, and leftovers deleted", async () => {
    const { page, problems, close } = await open(admin, "/lookup");
    await has(page, "forgotten");
    await has(page, lookupd.address);
    await shot(page, "lookup");
    await page.getByLabel("Topic", { exact: true }).fill("planned");
    await page.getByLabel("Channel", { exact: true }).fill("readers");
    await button(page, "Create").click();
    await has(page, "planned");
    assert.deepEqual(lookupd.idle.planned, ["readers"]);
    await page.getByLabel("Topic", { exact: true }).fill("no good!");
    await button(page, "Create").click();
    await has(page, "INVALID_TOPIC", ".notice-place");
    await button(page, "Delete channel leftover of forgotten").click();
    await confirm(page, "Delete", "leftover");
    await eventually("the channel is gone", async () => lookupd.idle.forgotten.length === 0);
    await button(page, "Delete topic forgotten").click();
    await confirm(page, "Delete", "forgotten");
    await eventually("the topic is gone", async () => !("forgotten" in lookupd.idle));
    assert.deepEqual(problems, []);
    await close();
  });

  test("the counter counts up", async () => {
    const { page, problems, close } = await open(admin, "/counter");
    await has(page, "Messages processed");
    const shown = async () => Number((await page.locator(".counter").innerText()).replace(/\D/g, ""));
    await eventually("a number", async () => (await shown()) > 1000);
    const then = await shown();
    await first.publish("orders", ..."abcdefghij");
    await eventually("it rises", async () => (await shown()) > then);
    await shot(page, "counter");
    assert.deepEqual(problems, []);
    await close();
  });

  test("the keyboard goes everywhere", async () => {
    const { page, close } = await open(admin);
    await has(page, "Needs attention");
    for (const [key, title] of [["t", "Topics"], ["n", "Nodes"], ["l", "Lookup"], ["o", "Overview"]]) {
      await page.keyboard.press("g");
      await page.keyboard.press(key);
      await page.getByRole("heading", { level: 1, name: title }).waitFor();
    }
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("p");
    await has(page, "still", "header");
    await close();
  });

  test("everything that can be operated has a name", async () => {
    for (const path of ["/", "/topics", "/topics/orders", "/topics/orders/billing", "/nodes", `/nodes/${first.address}`, "/lookup"]) {
      const { page, close } = await open(admin, path);
      await page.locator("table, form").first().waitFor();
      const nameless = await page.evaluate(() =>
        [...document.querySelectorAll("button, a, input, select, textarea, [role=img]")]
          .filter((each) => !each.textContent?.trim() && !each.getAttribute("aria-label") && !each.labels?.length)
          .map((each) => each.outerHTML));
      assert.deepEqual(nameless, [], path);
      await close();
    }
  });

  for (const theme of ["light", "dark"]) {
    test(`every page in the ${theme} theme`, async () => {
      const { page, problems, close } = await open(admin, "/", { colorScheme: theme });
      await has(page, "Needs attention");
      assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), theme);
      const poor = [];
      for (const [name, path, sign] of [
        ["overview", "/", "Needs attention"],
        ["topics", "/topics", "payments"],
        ["topic", "/topics/orders", "Topic queue on each node"],
        ["channel", "/topics/orders/billing", "Client connections"],
        ["nodes", "/nodes", "node-1"],
        ["node", `/nodes/${first.address}`, "Clients"],
      ]) {
        await page.goto(admin.url + path);
        await has(page, sign);
        // With a chart there is something drawn to look at.
        if (/overview|topic$|channel|node$/.test(name)) await page.locator(".plot canvas").first().waitFor();
        await shot(page, `${name}-${theme}`);
        poor.push(...(await page.evaluate(poorContrast)));
      }
      assert.deepEqual([...new Set(poor)], []);
      assert.deepEqual(problems, []);
      await close();
    });
  }

  test("every page fits a phone", async () => {
    const { page, close } = await open(admin, "/", { viewport: phone, hasTouch: true, isMobile: true });
    for (const [name, path, sign] of [
      ["overview", "/", "Needs attention"],
      ["topics", "/topics", "orders"],
      ["topic", "/topics/orders", "Topic queue on each node"],
      ["channel", "/topics/orders/billing", "Queue on each node"],
      ["nodes", "/nodes", "node-1"],
      ["node", `/nodes/${first.address}`, "Clients"],
      ["counter", "/counter", "Messages processed"],
      ["lookup", "/lookup", "Inactive topics"],
    ]) {
      await page.goto(admin.url + path);
      await has(page, sign);
      await shot(page, `phone-${name}`);
      assert.equal(await overflow(page), 0, `${name} is wider than the window`);
    }
    await close();
  });

  test("refreshing moves nothing", async () => {
    const { page, close } = await open(admin, "/topics/orders");
    await has(page, "Topic queue on each node");
    await page.getByRole("img", { name: /^Depth/ }).waitFor();
    const places = () => page.evaluate(() =>
      [...document.querySelectorAll("h1, h2, table, .plot")].map((each) => Math.round(each.getBoundingClientRect().top)));
    const then = await places();
    const answered = page.waitForResponse(/api\/topics\/orders/);
    await page.keyboard.press("r");
    await answered;
    await first.publish("orders", "more");
    await page.waitForResponse(/api\/topics\/orders/);
    assert.deepEqual(await places(), then);
    await close();
  });

  test("actions on behalf of another site are refused", async () => {
    for (const headers of [{ Origin: "http://evil.example" }, { "Sec-Fetch-Site": "cross-site" }, { Origin: "null" }]) {
      const response = await ask("POST", `${admin.url}/api/topics/orders`, '{"action":"empty"}', headers);
      assert.equal(response.status, 403, JSON.stringify(headers));
    }
    const same = { Origin: admin.url, "Sec-Fetch-Site": "same-origin" };
    const response = await ask("POST", `${admin.url}/api/topics/audit`, '{"action":"unpause"}', same);
    assert.equal(response.status, 200);
  });
});

// The texts whose colour is too near to what is behind them (WCAG: 4.5 to 1).
function poorContrast() {
  const channel = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const luminance = ({ r, g, b }) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
  const over = (top, under) => ({
    r: top.r * top.a + under.r * (1 - top.a),
    g: top.g * top.a + under.g * (1 - top.a),
    b: top.b * top.a + under.b * (1 - top.a),
    a: 1,
  });
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), { r: 255, g: 255, b: 255, a: 1 });
  };
  const found = [];
  for (const element of document.querySelectorAll("main *, header *, footer *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.closest("svg, button:disabled, .stale") || !element.offsetParent) continue;
    const back = behind(element);
    const front = over(parse(getComputedStyle(element).color), back);
    const [light, dark] = [luminance(front), luminance(back)].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5) found.push(`${element.className || element.tagName}: ${ratio.toFixed(2)}`);
  }
  return found;
}

describe("what can go wrong", () => {
  const hostile = '<img src=x onerror=alert(1)>"\'&</script><script>alert(2)</script>';
  const channelOf = (name, more = {}) => ({
    channel_name: name, depth: 7, backend_depth: 2, in_flight_count: 1, deferred_count: 0, message_count: 9,
    requeue_count: 0, timeout_count: 0, client_count: 0, clients: [], paused: false,
    e2e_processing_latency: { count: 0, percentiles: null }, ...more,
  });
  const topicOf = (name, channels = []) => ({
    topic_name: name, channels, depth: 3, backend_depth: 0, message_count: 12, message_bytes: 1, paused: false,
    e2e_processing_latency: { count: 0, percentiles: null },
  });

  test("a hostile name is text and nothing else", async () => {
    const client = {
      client_id: hostile, hostname: hostile, version: "V2", remote_address: "10.0.0.1:99", state: 3, ready_count: 1,
      in_flight_count: 0, message_count: 1, finish_count: 1, requeue_count: 0, connect_ts: 1, sample_rate: 0,
      deflate: false, snappy: false, user_agent: hostile, authed: true, auth_identity: hostile,
      auth_identity_url: "javascript:alert(3)", topology_zone: hostile, topology_region: hostile, tls: true,
      tls_cipher_suite: hostile, tls_version: hostile, tls_negotiated_protocol: "", tls_negotiated_protocol_is_mutual: false,
    };
    const daemon = await FakeDaemon.start(
      [topicOf(hostile, [channelOf(hostile, { clients: [client], client_count: 1 })])], { hostname: hostile });
    const lookupd = await FakeLookupd.start([Object.assign(daemon, { lastTopics: [hostile], hostname: hostile, version: hostile })]);
    const admin = await Admin.start(...lookupds(lookupd));
    const name = encodeURIComponent(hostile.replace(/\//g, ""));
    // A name with a '/' cannot be in a path; the others can.
    daemon.topicsSaid.push(topicOf(decodeURIComponent(name), [channelOf(decodeURIComponent(name), { clients: [client], client_count: 1 })]));
    daemon.lastTopics.push(decodeURIComponent(name));
    for (const path of ["/", "/topics", `/topics/${name}`, `/topics/${name}/${name}`, "/nodes", `/nodes/${daemon.address}`, "/lookup", "/counter"]) {
      const { page, problems, strangers, close } = await open(admin, path);
      await page.locator("table, form, .counter").first().waitFor();
      assert.equal(await page.locator('a[href^="javascript"]').count(), 0);
      assert.equal(await page.locator("main img, main script").count(), 0, path);
      if (!/lookup|counter/.test(path)) await has(page, "onerror=alert(1)");
      assert.deepEqual([problems, strangers], [[], []], path);
      if (path === "/nodes") await shot(page, "hostile-names");
      await close();
    }
    await admin.kill();
    lookupd.close();
    daemon.kill();
  });

  test("a daemon that dies is named, and the others are still shown", async () => {
    const [living, dying] = [await Daemon.start(), await Daemon.start()];
    for (const daemon of [living, dying]) await daemon.publish("t", "x", "y");
    const lookupd = await FakeLookupd.start([living, dying]);
    const admin = await Admin.start(...lookupds(lookupd));
    const { page, problems, close } = await open(admin, "/topics/t");
    await has(page, dying.address);
    await dying.kill();
    await page.locator(".alert.warning", { hasText: dying.address }).waitFor();
    await has(page, living.address);
    await page.goto(`${admin.url}/`);
    await has(page, "The node does not answer.");
    await shot(page, "node-gone");
    await page.goto(`${admin.url}/nodes/${dying.address}`);
    await page.locator(".alert.error", { hasText: "UPSTREAM_ERROR" }).waitFor();
    assert.deepEqual(problems, []);
    await close();
    await admin.kill();
    await living.kill();
    lookupd.close();
  });

  test("when the admin server goes the page says so, and goes on when it is back", async () => {
    const daemon = await FakeDaemon.start([topicOf("t", [channelOf("c")])]);
    const admin = await Admin.start(...daemons(daemon));
    const { page, problems, close } = await open(admin, "/topics/t");
    await has(page, "Topic queue on each node");
    await admin.kill();
    await page.locator(".lost-bar").waitFor();
    await has(page, "no answer for", "header");
    await has(page, "Topic queue on each node");
    await shot(page, "server-gone");
    await admin.restart();
    await page.locator(".lost-bar").waitFor({ state: "detached" });
    assert.deepEqual(problems, []);
    await close();
    await admin.kill();
    daemon.kill();
  });

  test("thousands of topics are paged, searched and sorted without delay", async () => {
    const daemon = await FakeDaemon.start(Array.from({ length: 5000 }, (_, i) =>
      topicOf(`topic-${String(i).padStart(4, "0")}`, [channelOf("c", { depth: i })])));
    const admin = await Admin.start(...daemons(daemon));
    const { page, problems, close } = await open(admin, "/topics");
    await has(page, "topic-0000");
    assert.equal(await page.locator("tbody tr").count(), 100);
    await button(page, "Next").click();
    await has(page, "topic-0100");
    await page.getByRole("button", { name: "Depth" }).click();
    await has(page, "topic-4999");
    await page.getByRole("searchbox").fill("4321");
    await eventually("one row", async () => (await page.locator("tbody tr").count()) === 1);
    await shot(page, "many-topics");
    assert.deepEqual(problems, []);
    await close();
    await admin.kill();
    daemon.kill();
  });

  test("users who may not act see no buttons, and others do", async () => {
    const daemon = await FakeDaemon.start([topicOf("t", [channelOf("c")])]);
    const admin = await Admin.start(...daemons(daemon), "--admin-user=alice");
    for (const [user, sees] of [["mallory", false], ["alice", true]]) {
      const { page, close } = await open(admin, "/topics/t", { extraHTTPHeaders: { "X-Forwarded-User": user } });
      await has(page, "Topic queue on each node");
      for (const name of ["Delete topic", "Empty queue", "Pause topic", "Publish…"]) {
        assert.equal(await button(page, name).count(), sees ? 1 : 0, `${user}: ${name}`);
      }
      assert.equal(await page.getByRole("button", { name: /^Remove t from/ }).count(), sees ? 1 : 0);
      await close();
    }
    await admin.kill();
    daemon.kill();
  });

  test("an empty cluster, and none at all, are said in words", async () => {
    const lookupd = await FakeLookupd.start([]);
    const admin = await Admin.start(...lookupds(lookupd));
    const { page, problems, close } = await open(admin);
    await has(page, "There are no topics.");
    await has(page, "There are no nodes.");
    await shot(page, "empty");
    await page.goto(`${admin.url}/nodes`);
    await has(page, "No node is known.");
    await page.goto(`${admin.url}/topics/nowhere`);
    await page.locator(".alert.error", { hasText: "TOPIC_NOT_FOUND" }).waitFor();
    lookupd.close();
    await page.goto(`${admin.url}/`);
    await page.locator(".alert.error", { hasText: "failed to query any nsqlookupd" }).waitFor();
    assert.deepEqual(problems, []);
    await close();
    await admin.kill();
  });

  test("everything works below a base path", async () => {
    const daemon = await FakeDaemon.start([topicOf("t", [channelOf("c")])]);
    const admin = await Admin.start(...daemons(daemon), "--base-path=/deep/er");
    const { page, problems, close } = await open(admin, "/deep/er");
    await page.getByRole("link", { name: "t", exact: true }).first().click();
    await has(page, "Topic queue on each node");
    assert.equal(new URL(page.url()).pathname, "/deep/er/topics/t");
    await page.reload();
    await page.getByRole("link", { name: "c", exact: true }).click();
    await has(page, "Queue on each node");
    assert.deepEqual(problems, []);
    await close();
    await admin.kill();
    daemon.kill();
  });

  test("Graphite's charts are shown where one is configured", async () => {
    const daemon = await FakeDaemon.start([topicOf("t", [channelOf("c")])]);
    const admin = await Admin.start(...daemons(daemon), `--graphite-url=http://${daemon.address}`, "--proxy-graphite");
    const { page, close } = await open(admin, "/topics/t");
    await has(page, "Graphite, last 2h");
    await page.getByLabel("Time shown by Graphite").selectOption("12h");
    await has(page, "Graphite, last 12h");
    await page.getByLabel("Time shown by Graphite").selectOption("off");
    await page.getByText("Graphite, last").waitFor({ state: "detached" });
    await close();
    await admin.kill();
    daemon.kill();
  });
});
