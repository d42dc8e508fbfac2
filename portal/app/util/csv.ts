/** Rows as text for other programs. */

export function cellText(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** RFC 4180: lines end with CRLF, quotes are doubled, what holds a comma, a quote or a line break is quoted. */
export function toCsv(columns: readonly string[], rows: ReadonlyArray<readonly unknown[]>): string {
  const field = (value: unknown) => {
    const text = cellText(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map((row) => `${row.map(field).join(",")}\r\n`).join("");
}

/** For pasting into a spreadsheet: cells between tabs, which become blanks inside of a cell. */
export function toTsv(columns: readonly string[], rows: ReadonlyArray<readonly unknown[]>): string {
  const cell = (value: unknown) => cellText(value).replace(/[\t\r\n]+/g, " ");
  return [columns, ...rows].map((row) => row.map(cell).join("\t")).join("\n");
}
