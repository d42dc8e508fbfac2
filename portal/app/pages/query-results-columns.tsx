/** Columns of an answer for the portal's table: the first opens the row, ids are links. */
import type { QueryColumn, QueryRow } from "../api/query";
import { AppLink } from "../components/app-link";
import type { Column } from "../table/table";
import { cellText } from "../util/csv";
import { pageOf } from "../util/path-builder";
import styles from "./query-page.module.css";

export interface IndexedRow {
  row: QueryRow;
  /** In the order of the answer, from 1. */
  number: number;
}

export function columnsOf(
  columns: readonly QueryColumn[],
  onOpen: (row: IndexedRow) => void,
): Array<Column<IndexedRow>> {
  const opener: Column<IndexedRow> = {
    id: "#",
    header: "#",
    size: "number",
    cell: (row) => (
      <button type="button" className={styles.number} onClick={() => onOpen(row)}>
        <span className="visually-hidden">Row </span>
        {row.number}
      </button>
    ),
  };
  return [
    opener,
    ...columns.map(({ name, type }, index): Column<IndexedRow> => {
      const numeric = type === "integer" || type === "number";
      return {
        id: name,
        header: name,
        align: numeric ? "end" : undefined,
        sortBy: ({ row }) => cellText(row[index]),
        cell: ({ row }) => <Cell value={row[index]} name={name} />,
      };
    }),
  ];
}

function Cell({ value, name }: { value: unknown; name: string }) {
  const text = cellText(value);
  if (text === "") return null;
  const page = name.toLowerCase() === "id" && text.startsWith("/subscriptions/") ? pageOf(text) : undefined;
  if (page) {
    return (
      <AppLink to={page}>
        <span title={text}>{lastOf(text)}</span>
      </AppLink>
    );
  }
  return (
    <span className={typeof value === "object" ? styles.json : undefined} title={text.slice(0, 2000)}>
      {typeof value === "number" ? value.toLocaleString("en", { maximumFractionDigits: 6 }) : text.slice(0, 500)}
    </span>
  );
}

/** The end of an id says which resource it is; its beginning is the same in every row. */
function lastOf(id: string): string {
  return `…/${id.split("/").slice(-2).join("/")}`;
}
