/** What stands beside the editor: tables with their columns, queries to begin with, and those that people keep. */
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import type { QuerySchema } from "../api/query";
import { type SavedQuery, savedQueriesQuery } from "../api/saved-queries";
import type { Subscription } from "../api/subscriptions";
import { Icon } from "../ui/icon";
import { DeleteQueryDialog } from "./query-delete-dialog";
import { EXAMPLE_GROUPS, examplesFor } from "./query-examples";
import styles from "./query-panel.module.css";

interface QueryPanelProps {
  schema: QuerySchema | undefined;
  subscriptions: Subscription[];
  onInsert: (name: string) => void;
  onOpen: (query: string) => void;
}

export function QueryPanel({ schema, subscriptions, onInsert, onOpen }: QueryPanelProps) {
  return (
    <aside className={styles.panel} aria-label="Tables and queries">
      <Section title="Tables">
        {schema ? (
          schema.tables.map((table) => <TableEntry key={table.name} table={table} onInsert={onInsert} />)
        ) : (
          <p className={styles.quiet}>Loading…</p>
        )}
      </Section>
      <Section title="Examples">
        <Examples tables={schema?.tables.map(({ name }) => name) ?? []} onOpen={onOpen} />
      </Section>
      <Section title="Saved queries">
        <Saved subscriptions={subscriptions} onOpen={onOpen} />
      </Section>
    </aside>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <details className={styles.section} name="query-panel">
      <summary>
        <Icon name="chevron" size={12} /> {title}
      </summary>
      <div className={styles.inside}>{children}</div>
    </details>
  );
}

function TableEntry({ table, onInsert }: { table: QuerySchema["tables"][number]; onInsert: (name: string) => void }) {
  return (
    <details className={styles.table}>
      <summary>
        <Icon name="chevron" size={12} /> {table.name}
      </summary>
      <ul>
        <li>
          <button type="button" onClick={() => onInsert(table.name)}>
            Insert the name
          </button>
        </li>
        {table.columns.map(({ name, type }) => (
          <li key={name}>
            <button type="button" onClick={() => onInsert(name)}>
              <span>{name}</span> <span className={styles.quiet}>{type}</span>
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}

function Examples({ tables, onOpen }: { tables: string[]; onOpen: (query: string) => void }) {
  const examples = examplesFor(tables);
  return EXAMPLE_GROUPS.map((group) => {
    const own = examples.filter((example) => example.group === group);
    if (own.length === 0) return null;
    return (
      <div key={group}>
        <h3 className={styles.group}>{group}</h3>
        <ul>
          {own.map(({ title, query }) => (
            <li key={title}>
              <button type="button" onClick={() => onOpen(query)}>
                {title}
              </button>
            </li>
          ))}
        </ul>
      </div>
    );
  });
}

function Saved({ subscriptions, onOpen }: { subscriptions: Subscription[]; onOpen: (query: string) => void }) {
  const saved = useQuery(savedQueriesQuery(subscriptions.map(({ subscriptionId }) => subscriptionId)));
  const [leaving, setLeaving] = useState<SavedQuery>();
  if (saved.isError) return <p className={styles.quiet}>{saved.error.message}</p>;
  if (!saved.data) return <p className={styles.quiet}>Loading…</p>;
  if (saved.data.length === 0) return <p className={styles.quiet}>None yet. Save… keeps the query of the editor.</p>;
  return (
    <>
      <ul>
        {saved.data.map((one) => (
          <li key={one.id} className={styles.saved}>
            <button type="button" onClick={() => onOpen(one.query)} title={one.description || one.query}>
              <span>{one.name}</span> <span className={styles.quiet}>{one.resourceGroupName}</span>
            </button>
            <button type="button" className={styles.leave} onClick={() => setLeaving(one)}>
              Delete<span className="visually-hidden"> {one.name}</span>
            </button>
          </li>
        ))}
      </ul>
      {leaving && <DeleteQueryDialog saved={leaving} onClose={() => setLeaving(undefined)} />}
    </>
  );
}
