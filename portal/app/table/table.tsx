/**
 * The portal's one table. A real `<table>`: screen readers know rows and columns, and copying keeps them. Columns say
 * how to show and how to order a row; order and filter live in the address, outside.
 *
 * Keys: Tab goes from link to link; in the first column arrow up and down, Home and End go from row to row.
 */
import { type KeyboardEvent, type ReactNode, useRef } from "react";
import { Icon } from "../ui/icon";
import { nextSort, type Sort, type SortValue } from "./sort";
import styles from "./table.module.css";
import { useRowWindow } from "./use-row-window";

// The height of a row in `tokens.css` (--row).
const ROW_HEIGHT = 38;

export interface Column<Row> {
  id: string;
  header: string;
  cell: (row: Row) => ReactNode;
  /** Makes the column sortable. */
  sortBy?: (row: Row) => SortValue;
  /** A CSS width; without one the column takes its share. */
  size?: "number" | "small" | "medium" | "large" | "name";
  align?: "end";
  /** The narrowest window that still has this column; without one it is always there. */
  from?: "tablet" | "desktop";
}

interface TableProps<Row> {
  label: string;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  rowKey: (row: Row) => string;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  /** Pixels that each column gets at least, for tables whose columns nobody knew before; they scroll sideways. */
  columnWidth?: number;
}

export function Table<Row>({ label, rows, columns, rowKey, sort, onSort, columnWidth }: TableProps<Row>) {
  const body = useRef<HTMLTableSectionElement>(null);
  const { first, end } = useRowWindow(body, rows.length, ROW_HEIGHT);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls sideways must be reachable by keyboard.
    <section className={styles.scroller} aria-label={`${label}, scrollable`} tabIndex={0}>
      <table
        className={styles.table}
        aria-label={label}
        aria-rowcount={rows.length + 1}
        style={columnWidth ? { minWidth: columns.length * columnWidth } : undefined}
      >
        <thead>
          <tr>
            {columns.map((column) => (
              <HeaderCell key={column.id} column={column} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody ref={body} onKeyDown={moveBetweenRows}>
          <Spacer rows={first} />
          {rows.slice(first, end).map((row, index) => (
            <tr key={rowKey(row)} aria-rowindex={first + index + 2}>
              {columns.map((column) => (
                <td key={column.id} className={cellClass(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
          <Spacer rows={rows.length - end} />
        </tbody>
      </table>
    </section>
  );
}

function HeaderCell<Row>({
  column,
  sort,
  onSort,
}: {
  column: Column<Row>;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
}) {
  const sorted = sort?.column === column.id;
  const direction = sorted ? (sort.descending ? "descending" : "ascending") : undefined;
  return (
    <th scope="col" className={cellClass(column)} aria-sort={direction}>
      {column.sortBy && sort && onSort ? (
        <button type="button" className={styles.sort} onClick={() => onSort(nextSort(sort, column.id))}>
          {column.header}
          <span className={sorted ? styles.arrow : styles.arrowIdle}>
            <Icon name={sorted && sort.descending ? "down" : "up"} size={12} />
          </span>
        </button>
      ) : (
        column.header
      )}
    </th>
  );
}

/** Stands for rows that are not drawn. Its height is set by script, which the content security policy allows. */
function Spacer({ rows }: { rows: number }) {
  if (rows <= 0) return null;
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it takes the focus.
    <tr aria-hidden="true" className={styles.spacer}>
      <td style={{ height: rows * ROW_HEIGHT }} />
    </tr>
  );
}

function cellClass<Row>(column: Column<Row>): string {
  return [column.size && styles[column.size], column.align && styles.end, column.from && styles[column.from]]
    .filter(Boolean)
    .join(" ");
}

function moveBetweenRows(event: KeyboardEvent<HTMLElement>) {
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>("tr > td:first-child a")];
  const at = links.indexOf(event.target as HTMLElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
  const link = at < 0 || to === undefined ? undefined : links[to];
  if (!link) return;
  event.preventDefault();
  link.focus();
}
