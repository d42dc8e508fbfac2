/**
 * What a chart shows, out of an answer's columns and rows. The rules are Kusto's: the first time (or the first column)
 * is the axis, numbers are what is drawn, a text between them makes one series for each of its values.
 */
import { cellText } from "../util/csv";

export type ChartKind = "bar" | "column" | "line" | "area" | "scatter" | "pie";

export interface ChartColumn {
  name: string;
  /** As Resource Graph names types. */
  type: string;
}

export interface Series {
  name: string;
  /** One for each place on the axis; undefined where there is none. */
  values: Array<number | undefined>;
}

export interface ChartData {
  kind: ChartKind;
  title: string | undefined;
  axis: string;
  /** What stands on the axis, as text. */
  labels: string[];
  /** Where it stands when the axis is a time or a number. */
  positions: number[] | undefined;
  time: boolean;
  stacked: boolean;
  series: Series[];
  /** Series and places that were left out because nobody could tell them apart. */
  left: number;
}

const KINDS: Record<string, ChartKind> = {
  barchart: "bar",
  columnchart: "column",
  linechart: "line",
  timechart: "line",
  anomalychart: "line",
  areachart: "area",
  stackedareachart: "area",
  scatterchart: "scatter",
  piechart: "pie",
};
const MOST_SERIES = 8;
const MOST_PLACES: Record<ChartKind, number> = { bar: 40, column: 60, pie: 12, line: 2000, area: 2000, scatter: 2000 };

export interface RenderWish {
  chart: string;
  properties: Record<string, string>;
}

/** Undefined when the wish is a table, a kind that is not drawn, or the rows have nothing to draw. */
export function chartOf(
  columns: readonly ChartColumn[],
  rows: ReadonlyArray<readonly unknown[]>,
  wish: RenderWish,
): ChartData | undefined {
  const kind = KINDS[wish.chart.toLowerCase()];
  const property = (name: string) =>
    Object.entries(wish.properties).find(([key]) => key.toLowerCase() === name)?.[1] || undefined;
  const axis = axisOf(columns, kind, property("xcolumn"));
  const numbers = columns.flatMap((column, index) => (index !== axis && isNumber(column) ? [index] : []));
  const wanted = property("ycolumns")
    ?.split(",")
    .map((name) => name.trim());
  const shown = wanted ? numbers.filter((index) => wanted.includes(columns[index]?.name ?? "")) : numbers;
  if (!kind || axis < 0 || shown.length === 0 || rows.length === 0) return undefined;
  const by = columns.findIndex(
    (column, index) => index !== axis && index < (shown[0] ?? 0) && column.type === "string",
  );
  const split = property("series") ? columns.findIndex(({ name }) => name === property("series")) : by;
  const type = columns[axis]?.type ?? "string";
  const continuous = kind === "line" || kind === "area" || kind === "scatter";
  const places = placesOf(rows, axis, type, continuous);
  const most = MOST_PLACES[kind];
  const labels = places.slice(0, most);
  const all = seriesOf(columns, rows, { axis, split: kind === "pie" ? -1 : split, shown, labels });
  const series = kind === "pie" ? all.slice(0, 1) : all.slice(0, MOST_SERIES);
  return {
    kind,
    title: property("title"),
    axis: property("xtitle") ?? columns[axis]?.name ?? "",
    labels,
    positions: continuous && type !== "string" ? labels.map((label) => positionOf(label, type)) : undefined,
    time: type === "datetime",
    stacked: kind === "area" || /stacked/.test(property("kind") ?? ""),
    series,
    left: Math.max(0, places.length - most) + (kind === "pie" ? 0 : Math.max(0, all.length - MOST_SERIES)),
  };
}

function axisOf(columns: readonly ChartColumn[], kind: ChartKind | undefined, wanted: string | undefined): number {
  if (wanted) return columns.findIndex(({ name }) => name === wanted);
  const time = columns.findIndex(({ type }) => type === "datetime");
  if (time >= 0 && kind !== "pie" && kind !== "bar") return time;
  const text = columns.findIndex((column) => !isNumber(column));
  return text >= 0 ? text : columns.length > 1 ? 0 : -1;
}

function isNumber({ type }: ChartColumn): boolean {
  return type === "integer" || type === "number";
}

function positionOf(label: string, type: string): number {
  return type === "datetime" ? Date.parse(label) : Number(label);
}

function placesOf(rows: ReadonlyArray<readonly unknown[]>, axis: number, type: string, continuous: boolean): string[] {
  const places = [...new Set(rows.map((row) => cellText(row[axis])))];
  if (!continuous || type === "string") return places;
  const placed = places.filter((label) => Number.isFinite(positionOf(label, type)));
  return placed.toSorted((a, b) => positionOf(a, type) - positionOf(b, type));
}

function seriesOf(
  columns: readonly ChartColumn[],
  rows: ReadonlyArray<readonly unknown[]>,
  { axis, split, shown, labels }: { axis: number; split: number; shown: number[]; labels: string[] },
): Series[] {
  const at = new Map(labels.map((label, index) => [label, index]));
  const found = new Map<string, Series>();
  for (const row of rows) {
    const place = at.get(cellText(row[axis]));
    if (place === undefined) continue;
    for (const index of shown) {
      const value = row[index];
      if (typeof value !== "number") continue;
      const name = nameOf(columns[index]?.name ?? "", split < 0 ? undefined : cellText(row[split]), shown.length);
      const series = found.get(name) ?? { name, values: Array.from({ length: labels.length }) };
      found.set(name, series);
      series.values[place] = (series.values[place] ?? 0) + value;
    }
  }
  return [...found.values()];
}

function nameOf(column: string, part: string | undefined, columns: number): string {
  if (part === undefined) return column;
  return columns > 1 ? `${part || "(empty)"}: ${column}` : part || "(empty)";
}
