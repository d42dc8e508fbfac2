/** The answer of a query: how much, how long it took, as a chart and as a table, page by page. */
import { useMemo, useState } from "react";
import type { QueryPage } from "../api/query";
import { Chart } from "../chart/chart";
import { chartOf } from "../chart/chart-data";
import type { RunState } from "../hooks/use-query-run";
import type { Sort } from "../table/sort";
import { Table } from "../table/table";
import { Button } from "../ui/button";
import { Loading } from "../ui/loading";
import { count } from "../util/quantity";
import { ExportButtons } from "./query-export";
import styles from "./query-page.module.css";
import { columnsOf, type IndexedRow } from "./query-results-columns";
import { sortedQuery, sortPage } from "./query-results-sort";
import { RowDialog } from "./query-row-dialog";

interface QueryResultsProps {
  state: RunState;
  onPage: (index: number) => void;
  /** Runs another text, which the editor does not show: the same query in another order. */
  onRun: (query: string, sort: Sort) => void;
}

const COLUMN_PIXELS = 150;

export function QueryResults({ state, onPage, onRun }: QueryResultsProps) {
  const { phase, page } = state;
  if (!page) {
    if (phase === "running") return <Loading what="the answer" />;
    if (phase === "ended") return <p className={styles.idle}>The query was stopped.</p>;
    return null;
  }
  return (
    <section className={styles.results} aria-label="Results" aria-busy={phase === "running"}>
      <Answer key={state.run?.query} state={state} page={page} onPage={onPage} onRun={onRun} />
    </section>
  );
}

function Answer({ state, page, onPage, onRun }: QueryResultsProps & { page: QueryPage }) {
  const [sort, setSort] = useState<Sort>(state.run?.sort ?? { column: "", descending: false });
  const [opened, setOpened] = useState<IndexedRow>();
  const drawing = useMemo(() => page.render && chartOf(page.columns, page.rows, page.render), [page]);
  const [shown, setShown] = useState<"chart" | "table">("chart");
  const chart = shown === "chart" ? drawing : undefined;
  const whole = state.index === 0 && page.next === undefined;
  const columns = useMemo(() => columnsOf(page.columns, setOpened), [page.columns]);
  const rows = useMemo(() => sortPage(page, sort), [page, sort]);
  const order = (next: Sort) => {
    const query = whole ? undefined : sortedQuery(state.run?.query ?? "", page.columns, next);
    if (query) onRun(query, next);
    else setSort(next);
  };
  return (
    <>
      <div className={styles.summary}>
        <Summary state={state} page={page} />
        <span className={styles.gap} />
        {drawing && (
          <fieldset className={styles.views}>
            <legend className="visually-hidden">Show the answer as</legend>
            {(["chart", "table"] as const).map((view) => (
              <button key={view} type="button" aria-pressed={shown === view} onClick={() => setShown(view)}>
                {view === "chart" ? "Chart" : "Table"}
              </button>
            ))}
          </fieldset>
        )}
        {state.run && page.rows.length > 0 && <ExportButtons run={state.run} page={page} />}
      </div>
      {chart && <Chart data={chart} />}
      {!chart && page.rows.length === 0 && <p className={styles.idle}>The answer has no rows.</p>}
      {!chart && page.rows.length > 0 && (
        <Table
          label="Rows"
          rows={rows}
          columns={columns}
          rowKey={({ number }) => String(number)}
          sort={sort}
          onSort={order}
          columnWidth={COLUMN_PIXELS}
        />
      )}
      {!whole && <Pager state={state} page={page} onPage={onPage} />}
      {opened && <RowDialog columns={page.columns} row={opened.row} onClose={() => setOpened(undefined)} />}
    </>
  );
}

function Summary({ state, page }: { state: RunState; page: QueryPage }) {
  const words = { running: "Running… ", ended: "Stopped. ", done: "", failed: "", idle: "" }[state.phase];
  return (
    <span role="status" className={styles.count}>
      {`${words}${count(page.total, "record")} in ${duration(page.milliseconds)}`}
    </span>
  );
}

function Pager({ state, page, onPage }: { state: RunState; page: QueryPage; onPage: (index: number) => void }) {
  const first = state.index * (state.run?.top ?? 0);
  const busy = state.phase === "running";
  return (
    <nav className={styles.pager} aria-label="Pages of the answer">
      <Button disabled={busy || state.index === 0} onClick={() => onPage(state.index - 1)}>
        Previous
      </Button>
      <span>{`${(first + 1).toLocaleString("en")} to ${(first + page.rows.length).toLocaleString("en")} of ${page.total.toLocaleString("en")}`}</span>
      <Button disabled={busy || page.next === undefined} onClick={() => onPage(state.index + 1)}>
        Next
      </Button>
    </nav>
  );
}

export function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.max(1, Math.round(milliseconds))} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
