// Tables: sorted by any column, searched, in pages when they are long, with rows to be selected.
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { count } from "./format";

export interface Column<Row> {
  key: string;
  title: string;
  hint?: string; // of the heading
  group?: string; // a heading over several columns
  numeric?: boolean;
  value?: (row: Row) => number | string; // what it is sorted by; without it, it cannot be
  cell: (row: Row) => ComponentChildren;
  className?: string;
}

interface Props<Row> {
  name: string; // for those who cannot see it
  rows: Row[];
  columns: Column<Row>[];
  id: (row: Row) => string;
  total?: VNode | null; // a last row
  rowClass?: (row: Row) => string;
  text?: (row: Row) => string; // what is searched; without it there is no search
  empty: ComponentChildren;
  sort?: { key: string; down: boolean };
  query?: string;
  pageSize?: number;
  selected?: Set<string>;
  onSelect?: (selected: Set<string>) => void;
  tools?: ComponentChildren; // beside the search
}

function compare(a: number | string, b: number | string): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

export function Table<Row>(props: Props<Row>) {
  const { rows, columns, id, text, selected, onSelect, pageSize = 100 } = props;
  const [query, setQuery] = useState(props.query ?? "");
  const [sort, setSort] = useState(props.sort);
  const [page, setPage] = useState(0);

  const found = useMemo(() => {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    if (!text || words.length === 0) return rows;
    return rows.filter((row) => {
      const all = text(row).toLowerCase();
      return words.every((word) => all.includes(word));
    });
  }, [rows, query]);
  const sorted = useMemo(() => {
    const value = sort && columns.find((column) => column.key === sort.key)?.value;
    if (!sort || !value) return found;
    const sign = sort.down ? -1 : 1;
    return [...found].sort((a, b) => sign * compare(value(a), value(b)) || compare(id(a), id(b)));
  }, [found, sort]);
  const pages = Math.max(1, Math.ceil(sorted.length / pageSize));
  const shownPage = Math.min(page, pages - 1);
  const shown = sorted.slice(shownPage * pageSize, (shownPage + 1) * pageSize);
  useEffect(() => setPage(0), [query, sort]);

  const sortBy = (column: Column<Row>) =>
    setSort((before) =>
      before?.key === column.key ? { key: column.key, down: !before.down } : { key: column.key, down: !!column.numeric },
    );
  const toggle = (keys: string[], on: boolean) => {
    const next = new Set(selected);
    for (const key of keys) on ? next.add(key) : next.delete(key);
    onSelect?.(next);
  };
  const foundIds = selected ? sorted.map(id) : [];
  const allSelected = foundIds.length > 0 && foundIds.every((key) => selected!.has(key));
  const hasGroups = columns.some((column) => column.group);

  return (
    <div class="table-block">
      {(text || props.tools) && (
        <div class="table-tools">
          {text && (
            <input
              type="search"
              class="search"
              placeholder="Search  ( / )"
              aria-label={`Search ${props.name}`}
              value={query}
              onInput={(event) => setQuery(event.currentTarget.value)}
              onKeyDown={(event) => {
                if (event.key !== "Escape") return;
                event.preventDefault(); // browsers differ in what they make of it
                setQuery("");
                event.currentTarget.blur();
              }}
            />
          )}
          {text && (
            <span class="found muted" aria-live="polite">
              {query ? `${count(found.length)} of ${count(rows.length)}` : count(rows.length)}
            </span>
          )}
          <span class="grow" />
          {props.tools}
        </div>
      )}
      <div class="table-scroll">
        <table aria-label={props.name}>
          <thead>
            {hasGroups && (
              <tr class="groups">
                {onSelect && <td />}
                {groupsOf(columns).map((group, index) => (
                  <th key={index} colSpan={group.span} scope="colgroup" class={group.title ? "group" : ""}>
                    {group.title}
                  </th>
                ))}
              </tr>
            )}
            <tr>
              {onSelect && (
                <td class="select">
                  <input
                    type="checkbox"
                    aria-label={`Select all ${props.name}`}
                    checked={allSelected}
                    onChange={(event) => toggle(foundIds, event.currentTarget.checked)}
                  />
                </td>
              )}
              {columns.map((column) => (
                <th
                  key={column.key}
                  scope="col"
                  title={column.hint}
                  class={column.numeric ? "number" : ""}
                  aria-sort={sort?.key === column.key ? (sort.down ? "descending" : "ascending") : undefined}
                >
                  {column.value ? (
                    <button class="sort" onClick={() => sortBy(column)}>
                      <span>{column.title}</span>
                      <span class="arrow" aria-hidden="true">
                        {sort?.key === column.key ? (sort.down ? "▾" : "▴") : "\u00a0"}
                      </span>
                    </button>
                  ) : (
                    column.title
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => {
              const key = id(row);
              return (
                <tr key={key} class={`${props.rowClass?.(row) ?? ""}${selected?.has(key) ? " selected" : ""}`}>
                  {onSelect && (
                    <td class="select">
                      <input
                        type="checkbox"
                        aria-label={`Select ${key}`}
                        checked={selected!.has(key)}
                        onChange={(event) => toggle([key], event.currentTarget.checked)}
                      />
                    </td>
                  )}
                  {columns.map((column) => (
                    <td key={column.key} class={`${column.numeric ? "number" : ""} ${column.className ?? ""}`}>
                      {column.cell(row)}
                    </td>
                  ))}
                </tr>
              );
            })}
            {shown.length === 0 && (
              <tr>
                <td class="empty" colSpan={columns.length + (onSelect ? 1 : 0)}>
                  {rows.length === 0 ? props.empty : "Nothing is found."}
                </td>
              </tr>
            )}
          </tbody>
          {props.total && shown.length > 0 && <tfoot>{props.total}</tfoot>}
        </table>
      </div>
      {pages > 1 && (
        <nav class="pager" aria-label={`Pages of ${props.name}`}>
          <button disabled={shownPage === 0} onClick={() => setPage(shownPage - 1)}>
            Previous
          </button>
          <span class="muted">
            {count(shownPage * pageSize + 1)}–{count(Math.min(sorted.length, (shownPage + 1) * pageSize))} of{" "}
            {count(sorted.length)}
          </span>
          <button disabled={shownPage >= pages - 1} onClick={() => setPage(shownPage + 1)}>
            Next
          </button>
        </nav>
      )}
    </div>
  );
}

function groupsOf<Row>(columns: Column<Row>[]): { title: string; span: number }[] {
  const groups: { title: string; span: number }[] = [];
  for (const { group = "" } of columns) {
    const last = groups[groups.length - 1];
    if (last && last.title === group) last.span += 1;
    else groups.push({ title: group, span: 1 });
  }
  return groups;
}
