/**
 * Asking the whole fleet in KQL: an editor that knows the tables, answers as a table and a chart, queries to begin with
 * and those that people keep. What runs is in the address, so that it can be given to somebody else.
 */
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { findingsOf, querySchemaQuery } from "../api/query";
import type { Subscription } from "../api/subscriptions";
import type { QueryEditorHandle } from "../editor/query-editor";
import { useQueryRun } from "../hooks/use-query-run";
import { Button } from "../ui/button";
import { Icon } from "../ui/icon";
import { Loading } from "../ui/loading";
import { PageHeader } from "../ui/page-header";
import { QueryError } from "./query-error";
import styles from "./query-page.module.css";
import { QueryPanel } from "./query-panel";
import { QueryResults } from "./query-results";
import { SaveQueryDialog } from "./query-save-dialog";
import { ShareButton } from "./query-share-button";

// The editor is a megabyte, and only this page needs it.
const QueryEditor = lazy(() => import("../editor/query-editor").then((module) => ({ default: module.QueryEditor })));

export interface QuerySearch {
  q?: string;
  /** A subscription; without, everything that the caller may see. */
  scope?: string;
}

interface QueryPageProps {
  search: QuerySearch;
  onSearch: (search: QuerySearch) => void;
  subscriptions: Subscription[];
}

const FIRST_QUERY = "Resources\n| summarize resources = count() by type\n| order by resources desc";
const PAGE_SIZE = 100;

export function QueryPage({ search, onSearch, subscriptions }: QueryPageProps) {
  const [text, setText] = useState(search.q ?? FIRST_QUERY);
  const [saving, setSaving] = useState(false);
  const editor = useRef<QueryEditorHandle>(null);
  const schema = useQuery(querySchemaQuery);
  const { state, start, turnTo, end } = useQueryRun();
  const findings = useMemo(() => findingsOf(state.error), [state.error]);
  const { q, scope } = search;

  // The address says what runs: by the button, by going back, by opening a link.
  const begin = useRef(start);
  begin.current = start;
  const asked = useRef<string>(undefined);
  useEffect(() => {
    if (q === undefined) return;
    // What was run from here is in the editor, perhaps with more behind it by now.
    if (q !== asked.current) {
      setText(q);
      editor.current?.setText(q);
    }
    void begin.current({ query: q, subscription: scope, top: PAGE_SIZE });
  }, [q, scope]);

  const run = (query: string) => {
    if (query.trim() === "") return;
    asked.current = query;
    if (query === q) void start({ query, subscription: scope, top: PAGE_SIZE });
    else onSearch({ ...search, q: query });
  };
  const open = (query: string) => {
    setText(query);
    editor.current?.setText(query);
    run(query);
  };
  const running = state.phase === "running";
  return (
    <>
      <PageHeader
        title="Query"
        below={
          <span>
            KQL over everything that you may see, as it is now. <kbd className={styles.key}>Ctrl</kbd>{" "}
            <kbd className={styles.key}>Enter</kbd> runs it.
          </span>
        }
      />
      <div className={styles.page}>
        <QueryPanel
          schema={schema.data}
          subscriptions={subscriptions}
          onInsert={(name) => editor.current?.insert(name)}
          onOpen={open}
        />
        <div className={styles.work}>
          <Suspense fallback={<Loading what="the editor" />}>
            <QueryEditor
              initial={text}
              onChange={setText}
              onRun={run}
              schema={schema.data}
              findings={findings}
              handle={editor}
            />
          </Suspense>
          <div className={styles.actions}>
            {running ? (
              <Button className={styles.run} onClick={end}>
                <Icon name="stop" /> Stop
              </Button>
            ) : (
              <Button className={styles.run} onClick={() => run(text)} disabled={text.trim() === ""}>
                <Icon name="play" /> Run
              </Button>
            )}
            {subscriptions.length > 1 && (
              <label className={styles.scope}>
                <span className="visually-hidden">Where to look</span>
                <select
                  value={scope ?? ""}
                  onChange={(event) => onSearch({ q, scope: event.target.value || undefined })}
                >
                  <option value="">All subscriptions</option>
                  {subscriptions.map((one) => (
                    <option key={one.subscriptionId} value={one.subscriptionId}>
                      {one.displayName}
                    </option>
                  ))}
                </select>
              </label>
            )}
            <span className={styles.gap} />
            <Button onClick={() => editor.current?.format()}>Format</Button>
            <ShareButton query={text} scope={scope} />
            <Button onClick={() => setSaving(true)} disabled={text.trim() === ""}>
              <Icon name="save" /> Save…
            </Button>
          </div>
          {state.phase === "failed" && (
            <QueryError
              error={state.error}
              findings={findings}
              onPlace={(line, column) => editor.current?.goTo(line, column)}
            />
          )}
          <QueryResults
            state={state}
            onPage={turnTo}
            onRun={(query, sort) => start({ query, subscription: scope, top: PAGE_SIZE, sort })}
          />
        </div>
      </div>
      {saving && <SaveQueryDialog query={text} subscriptions={subscriptions} onClose={() => setSaving(false)} />}
    </>
  );
}
