// What can be done to topics and channels.
import { useState } from "preact/hooks";
import { call, channelApi, topicApi, type Answer } from "./api";
import { confirmed, Modal, perform, performAll } from "./dialog";
import { count, counted } from "./format";
import { settings } from "./settings";
import { go, topicPath } from "./route";

export interface Target {
  topic: string;
  channel?: string;
  depth: number; // messages waiting
  inFlight?: number;
  deferred?: number;
  channels?: number; // that go with a topic
  consumers?: number;
  paused: boolean;
}

const path = (target: Target) =>
  target.channel === undefined ? topicApi(target.topic) : channelApi(target.topic, target.channel);
const nameOf = (target: Target) =>
  target.channel === undefined ? `topic ${target.topic}` : `channel ${target.channel} of ${target.topic}`;

// What is lost with it, in words.
function stake(target: Target, verb: "empty" | "delete"): string {
  const parts = [`${counted(target.depth, "waiting message")}`];
  if (verb === "delete" || target.channel !== undefined) {
    if (target.inFlight) parts.push(`${count(target.inFlight)} in flight`);
    if (target.deferred) parts.push(`${count(target.deferred)} deferred`);
  }
  if (verb === "delete" && target.channels) parts.push(counted(target.channels, "channel"));
  if (verb === "delete" && target.consumers) parts.push(`${counted(target.consumers, "consumer")} will be disconnected`);
  return parts.join(", ");
}

async function empty(target: Target) {
  const yes = await confirmed({
    title: "Empty the queue?",
    confirm: "Empty",
    danger: true,
    body: (
      <>
        <p>
          This will <strong>empty</strong> <em>{nameOf(target)}</em> on all nodes.
        </p>
        <p class="stake">Lost for good: {stake(target, "empty")}.</p>
        {target.channel === undefined && <p class="muted">Messages already in the topic's channels stay.</p>}
      </>
    ),
  });
  if (yes) await perform(`Emptied ${nameOf(target)}`, () => call("POST", path(target), { action: "empty" }));
}

async function remove(target: Target) {
  const yes = await confirmed({
    title: target.channel === undefined ? "Delete the topic?" : "Delete the channel?",
    confirm: "Delete",
    danger: true,
    body: (
      <>
        <p>
          This will <strong>delete</strong> <em>{nameOf(target)}</em> on all nodes and in discovery.
        </p>
        <p class="stake">Lost for good: {stake(target, "delete")}.</p>
      </>
    ),
  });
  if (!yes) return;
  const done = await perform(`Deleted ${nameOf(target)}`, () => call("DELETE", path(target)));
  if (done) go(target.channel === undefined ? "/topics" : topicPath(target.topic));
}

async function pause(target: Target) {
  const verb = target.paused ? "unpause" : "pause";
  const yes = await confirmed({
    title: target.paused ? "Let messages flow again?" : "Pause?",
    confirm: target.paused ? "Unpause" : "Pause",
    body: (
      <>
        <p>
          This will <strong>{verb}</strong> <em>{nameOf(target)}</em> on all nodes.
        </p>
        <p class="stake">
          {counted(target.depth, "message")} waiting
          {target.consumers ? `, ${counted(target.consumers, "consumer")}` : ""}.
        </p>
      </>
    ),
  });
  const done = target.paused ? "Unpaused" : "Paused";
  if (yes) await perform(`${done} ${nameOf(target)}`, () => call("POST", path(target), { action: verb }));
}

export function ActionButtons({ target }: { target: Target }) {
  const [isPublishing, setPublishing] = useState(false);
  if (!settings.is_admin) return null;
  const what = target.channel === undefined ? "topic" : "channel";
  return (
    <div class="actions" role="group" aria-label="Actions">
      {target.channel === undefined && <button onClick={() => setPublishing(true)}>Publish…</button>}
      <button onClick={() => pause(target)}>
        {target.paused ? "Unpause" : "Pause"} {what}
      </button>
      <button onClick={() => empty(target)}>Empty queue</button>
      <button class="danger" onClick={() => remove(target)}>
        Delete {what}
      </button>
      {isPublishing && <PublishDialog topic={target.topic} onClose={() => setPublishing(false)} />}
    </div>
  );
}

// The same for several topics at once.
export function BulkButtons({ targets, onDone }: { targets: Target[]; onDone: () => void }) {
  if (!settings.is_admin) return null;
  const none = targets.length === 0;
  const depth = targets.reduce((sum, target) => sum + target.depth, 0);
  const act = async (verb: "pause" | "unpause" | "empty" | "delete") => {
    const isLoss = verb === "empty" || verb === "delete";
    const word = verb[0].toUpperCase() + verb.slice(1);
    const yes = await confirmed({
      title: `${word} ${counted(targets.length, "topic")}?`,
      confirm: word,
      danger: isLoss,
      body: (
        <>
          <p>
            This will <strong>{verb}</strong> on all nodes:
          </p>
          <ul class="named">
            {targets.slice(0, 12).map((target) => (
              <li key={target.topic}>
                <em>{target.topic}</em> <span class="muted">{counted(target.depth, "message")}</span>
              </li>
            ))}
            {targets.length > 12 && <li class="muted">and {count(targets.length - 12)} more</li>}
          </ul>
          <p class="stake">
            {isLoss ? "At stake" : "Waiting"}: {counted(depth, "message")}.
          </p>
        </>
      ),
    });
    if (!yes) return;
    await performAll(
      `${word} topics`,
      targets.map((target) => () =>
        verb === "delete"
          ? call<Answer>("DELETE", topicApi(target.topic))
          : call<Answer>("POST", topicApi(target.topic), { action: verb }),
      ),
    );
    onDone();
  };
  return (
    <div class="actions" role="group" aria-label="Actions on the selected topics">
      <span class="muted chosen">{none ? "None selected" : `${count(targets.length)} selected`}</span>
      <button disabled={none} onClick={() => act("pause")}>
        Pause
      </button>
      <button disabled={none} onClick={() => act("unpause")}>
        Unpause
      </button>
      <button disabled={none} onClick={() => act("empty")}>
        Empty
      </button>
      <button disabled={none} class="danger" onClick={() => act("delete")}>
        Delete
      </button>
    </div>
  );
}

function PublishDialog({ topic, onClose }: { topic: string; onClose: () => void }) {
  const [body, setBody] = useState("");
  const [split, setSplit] = useState(false);
  const [delay, setDelay] = useState("");
  const lines = body.split("\n").filter((line) => line !== "").length;
  const defer = Math.round(Number(delay || "0") * 1000);
  const isBad = body === "" || !Number.isFinite(defer) || defer < 0 || (split && lines === 0);
  const publish = async () => {
    const what = split ? `Published ${counted(lines, "message")} to ${topic}` : `Published a message to ${topic}`;
    const done = await perform(what, () =>
      call("POST", "/api/publish", { topic, body, split, ...(split ? {} : { defer_ms: defer }) }),
    );
    if (done) onClose();
  };
  return (
    <Modal title={`Publish to ${topic}`} onClose={onClose}>
      <form
        class="publish"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isBad) void publish();
        }}
      >
        <label>
          Message
          <textarea rows={7} autofocus spellcheck={false} value={body} onInput={(e) => setBody(e.currentTarget.value)} />
        </label>
        <label class="inline">
          <input type="checkbox" checked={split} onChange={(e) => setSplit(e.currentTarget.checked)} />
          One message per line
        </label>
        <label class="inline">
          Delay
          <input
            type="number"
            min="0"
            step="any"
            inputMode="decimal"
            placeholder="0"
            disabled={split}
            value={delay}
            onInput={(e) => setDelay(e.currentTarget.value)}
          />
          seconds
        </label>
        <div class="dialog-buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button class="primary" disabled={isBad}>
            {split ? `Publish ${counted(lines, "message")}` : "Publish"}
          </button>
        </div>
      </form>
    </Modal>
  );
}
