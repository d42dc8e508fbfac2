/** The order of a table, as its address says it: `name` upwards, `-name` downwards. */

export interface Sort {
  column: string;
  descending: boolean;
}

export type SortValue = string | number | undefined;

export function parseSort(text: string): Sort {
  return text.startsWith("-") ? { column: text.slice(1), descending: true } : { column: text, descending: false };
}

export function formatSort({ column, descending }: Sort): string {
  return descending ? `-${column}` : column;
}

/** What a click on a column's header asks for. */
export function nextSort(current: Sort, column: string): Sort {
  return { column, descending: current.column === column && !current.descending };
}

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** Rows in order; equal ones by `tie`, so that the order is the same on every draw. Absent values come last. */
export function sortRows<Row>(
  rows: readonly Row[],
  value: (row: Row) => SortValue,
  descending: boolean,
  tie: (row: Row) => string,
): Row[] {
  const keyed = rows.map((row) => ({ row, key: value(row), tie: tie(row) }));
  const sign = descending ? -1 : 1;
  keyed.sort((a, b) => {
    if (a.key === undefined || b.key === undefined) {
      if (a.key !== b.key) return a.key === undefined ? 1 : -1;
    } else {
      const order = sign * compare(a.key, b.key);
      if (order !== 0) return order;
    }
    return collator.compare(a.tie, b.tie);
  });
  return keyed.map(({ row }) => row);
}

function compare(a: string | number, b: string | number): number {
  return typeof a === "number" && typeof b === "number" ? a - b : collator.compare(String(a), String(b));
}
