import { useState } from "preact/hooks";
import { BulkButtons } from "../actions";
import type { OverviewAnswer } from "../api";
import { PageState } from "../parts";
import { usePoll } from "../poll";
import { route } from "../route";
import { settings } from "../settings";
import { Table } from "../table";
import { topicColumns } from "./overview";

export function Topics() {
  const { data, error } = usePoll<OverviewAnswer>("/api/overview");
  const [selected, setSelected] = useState(new Set<string>());
  const chosen = (data?.topics ?? []).filter((row) => selected.has(row.topic_name));
  return (
    <>
      <h1 class="page-title">Topics</h1>
      <PageState data={data} error={error}>
        {data && (
          <Table
            name="topics"
            rows={data.topics}
            columns={topicColumns}
            id={(row) => row.topic_name}
            text={(row) => `${row.topic_name}${row.paused || row.paused_channels ? " paused" : ""}`}
            query={route.get().query.get("q") ?? ""}
            sort={{ key: "topic", down: false }}
            selected={settings.is_admin ? selected : undefined}
            onSelect={settings.is_admin ? setSelected : undefined}
            tools={
              <BulkButtons
                targets={chosen.map((row) => ({ topic: row.topic_name, depth: row.depth, paused: row.paused }))}
                onDone={() => setSelected(new Set())}
              />
            }
            empty="There are no topics. A topic comes to be with its first message, or on the Lookup page."
          />
        )}
      </PageState>
    </>
  );
}
