import { useState } from "preact/hooks";
import { call, channelApi, topicApi, type Answer } from "../api";
import { confirmed, perform } from "../dialog";
import { counted } from "../format";
import { PageState } from "../parts";
import { usePoll } from "../poll";
import { channelPath, Link, topicPath } from "../route";
import { settings } from "../settings";

interface InactiveAnswer extends Answer {
  topics: Record<string, string[] | null>;
}

async function remove(topic: string, channel?: string, channels = 0) {
  const name = channel === undefined ? `topic ${topic}` : `channel ${channel} of ${topic}`;
  const yes = await confirmed({
    title: channel === undefined ? "Delete the topic?" : "Delete the channel?",
    confirm: "Delete",
    danger: true,
    body: (
      <>
        <p>
          This will <strong>delete</strong> <em>{name}</em> from all lookupds.
        </p>
        <p class="stake">
          {channels > 0 ? `${counted(channels, "channel")} will be forgotten with it. ` : ""}No node has it: no message is
          lost.
        </p>
      </>
    ),
  });
  if (!yes) return;
  await perform(`Deleted ${name}`, () =>
    call("DELETE", channel === undefined ? topicApi(topic) : channelApi(topic, channel)),
  );
}

function CreateForm({ onDone }: { onDone: () => void }) {
  const [topic, setTopic] = useState("");
  const [channel, setChannel] = useState("");
  const isBad = topic === "";
  const create = async () => {
    const what = channel === "" ? `Created topic ${topic}` : `Created channel ${channel} of ${topic}`;
    const done = await perform(what, () => call("POST", "/api/topics", { topic, channel }));
    if (!done) return;
    setTopic("");
    setChannel("");
    onDone();
  };
  return (
    <section class="create">
      <h2>Create topic or channel</h2>
      <p class="muted">
        Lays out streams before anything is published to them. Without a channel's name, the topic alone is created.
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!isBad) void create();
        }}
      >
        <label>
          Topic
          <input
            type="text"
            name="topic"
            value={topic}
            maxLength={64}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => setTopic(event.currentTarget.value)}
          />
        </label>
        <label>
          Channel
          <input
            type="text"
            name="channel"
            value={channel}
            maxLength={64}
            autocomplete="off"
            spellcheck={false}
            placeholder="optional"
            onInput={(event) => setChannel(event.currentTarget.value)}
          />
        </label>
        <button class="primary" disabled={isBad}>
          Create
        </button>
      </form>
    </section>
  );
}

export function Lookup() {
  const hasLookupds = settings.nsqlookupd.length > 0;
  const { data, error, refresh } = usePoll<InactiveAnswer>(hasLookupds ? "/api/topics?inactive=true" : null, 10_000);
  const inactive = Object.entries(data?.topics ?? {});
  return (
    <>
      <h1 class="page-title">Lookup</h1>
      {!hasLookupds && (
        <div class="alert info" role="status">
          No lookupd is configured: the nodes are asked directly. Topics created here are made on all of them.
        </div>
      )}
      {hasLookupds && (
        <section>
          <h2>Lookupds</h2>
          <ul class="plain mono">
            {settings.nsqlookupd.map((address) => (
              <li key={address}>{address}</li>
            ))}
          </ul>
        </section>
      )}
      {hasLookupds && (
        <PageState data={data} error={error}>
          <section>
            <h2>
              Inactive topics <span class="badge">{inactive.length}</span>
            </h2>
            <p class="muted">Lookupds know them, but no node has them. They may be leftovers, or laid out in advance.</p>
            {inactive.length === 0 && <p class="all-well">There are none.</p>}
            <ul class="tree">
              {inactive.map(([topic, channels]) => (
                <li key={topic}>
                  <div class="leaf">
                    <Link to={topicPath(topic)}>{topic}</Link>
                    {settings.is_admin && (
                      <button
                        class="quiet cross"
                        aria-label={`Delete topic ${topic}`}
                        onClick={() => remove(topic, undefined, channels?.length ?? 0).then(refresh)}
                      >
                        ✕
                      </button>
                    )}
                  </div>
                  <ul>
                    {(channels ?? []).map((channel) => (
                      <li key={channel} class="leaf">
                        <Link to={channelPath(topic, channel)}>{channel}</Link>
                        {settings.is_admin && (
                          <button
                            class="quiet cross"
                            aria-label={`Delete channel ${channel} of ${topic}`}
                            onClick={() => remove(topic, channel).then(refresh)}
                          >
                            ✕
                          </button>
                        )}
                      </li>
                    ))}
                  </ul>
                </li>
              ))}
            </ul>
          </section>
        </PageState>
      )}
      {settings.is_admin && <CreateForm onDone={refresh} />}
    </>
  );
}
