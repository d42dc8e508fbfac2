/** The order of an answer: of a page here, of all pages by the server. */
import type { QueryColumn, QueryPage } from "../api/query";
import { type Sort, sortRows } from "../table/sort";
import { cellText } from "../util/csv";
import type { IndexedRow } from "./query-results-columns";

export function sortPage({ columns, rows }: QueryPage, { column, descending }: Sort): IndexedRow[] {
  const numbered = rows.map((row, index) => ({ row, number: index + 1 }));
  const at = columns.findIndex(({ name }) => name === column);
  if (at < 0) return numbered;
  const value = ({ row }: IndexedRow) => {
    const cell = row[at];
    return typeof cell === "number" ? cell : cellText(cell) || undefined;
  };
  return sortRows(numbered, value, descending, ({ number }) => String(number));
}

/**
 * The query in another order. Undefined where an order cannot just be put behind it: `render` has to be the last, and
 * a dynamic has no order.
 */
export function sortedQuery(query: string, columns: readonly QueryColumn[], { column, descending }: Sort) {
  const found = columns.find(({ name }) => name === column);
  if (!found || found.type === "object" || /\|\s*render\b/i.test(query) || /['\]\\]/.test(column)) return undefined;
  const plain = query.replace(/[\s;]+$/, "").replace(/\n\| sort by \['[^']*'\] (asc|desc)$/, "");
  return `${plain}\n| sort by ['${column}'] ${descending ? "desc" : "asc"}`;
}
