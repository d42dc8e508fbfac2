/**
 * Queries on the mock: just enough of the language for what the pages show. It counts by one column, sorts, draws and
 * takes; the word `oops` is a column that nobody has, and `slow` makes an answer wait.
 */
import type { QueryRequest, QueryResponse, QuerySchema, Resource } from "../app/api/__generated__/types.ts";
import { type Answered, answerObjects } from "./kubernetes-query.ts";
import type { World } from "./world.ts";

const COLUMNS = ["id", "name", "type", "location", "resourceGroup", "subscriptionId"];
const DYNAMIC = ["tags", "properties"];

export const SCHEMA: QuerySchema = {
  defaultTable: "Resources",
  tables: ["Resources", "ResourceContainers", "AuthorizationResources"].map((name) => ({
    name,
    columns: [
      ...COLUMNS.map((column) => ({ name: column, type: "string" })),
      ...DYNAMIC.map((column) => ({ name: column, type: "dynamic" })),
    ],
  })),
  functions: [
    { name: "strlen", kind: "scalar", group: "Text", signatures: ["strlen(text: string) → long"], doc: "Letters." },
    { name: "count", kind: "aggregate", group: "Aggregates", signatures: ["count() → long"], doc: "Rows." },
    { name: "tostring", kind: "scalar", group: "Conversion", signatures: ["tostring(value) → string"], doc: "Text." },
  ],
};

export function answerQuery(world: World, { query, subscriptions = [], options = {} }: QueryRequest): QueryResponse {
  const resources = [...world.resources.values()].filter(
    ({ id }) => subscriptions.length === 0 || subscriptions.some((one) => id.startsWith(`/subscriptions/${one}/`)),
  );
  const { columns, rows } = answerObjects(world, query) ?? sorted(query, counted(query, resources));
  const from = Number(options.$skipToken ?? 0);
  const end = Math.min(rows.length, from + (options.$top ?? 100));
  return {
    totalRecords: rows.length,
    count: end - from,
    resultTruncated: "false",
    facets: [],
    data: { columns, rows: rows.slice(from, end) },
    render: renderOf(query),
    ...(end < rows.length ? { $skipToken: String(end) } : {}),
  };
}

/** Where the word stands that is wrong, as the server says it. */
export function wrongWord(query: string): { line: number; column: number } | undefined {
  const lines = query.split("\n");
  const line = lines.findIndex((one) => one.includes("oops"));
  return line < 0 ? undefined : { line: line + 1, column: (lines[line]?.indexOf("oops") ?? 0) + 1 };
}

function counted(query: string, resources: Resource[]): Answered {
  const [, number = "resources", by] = /summarize\s+(?:(\w+)\s*=\s*)?count\(\)\s+by\s+(\w+)/.exec(query) ?? [];
  if (by === undefined) {
    const [, take] = /\|\s*take\s+(\d+)/.exec(query) ?? [];
    const rows = resources.map((resource) => [...COLUMNS, ...DYNAMIC].map((column) => cellOf(resource, column)));
    const columns = [
      ...COLUMNS.map((name) => ({ name, type: "string" })),
      ...DYNAMIC.map((name) => ({ name, type: "object" })),
    ];
    return { columns, rows: take ? rows.slice(0, Number(take)) : rows };
  }
  if (by === "day") return perDay(number);
  const counts = new Map<string, number>();
  for (const resource of resources) {
    const key = String(cellOf(resource, by) ?? "");
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return {
    columns: [
      { name: by, type: "string" },
      { name: number, type: "integer" },
    ],
    rows: [...counts],
  };
}

function perDay(number: string): Answered {
  const rows = Array.from({ length: 14 }, (_, day) =>
    ["eu", "us"].map((site, at) => [
      new Date(Date.UTC(2026, 9, 1 + day)).toISOString(),
      site,
      Math.round(20 + 9 * Math.sin(day / 2 + at) + day * (at + 1)),
    ]),
  );
  return {
    columns: [
      { name: "day", type: "datetime" },
      { name: "site", type: "string" },
      { name: number, type: "integer" },
    ],
    rows: rows.flat(),
  };
}

function cellOf(resource: Resource, column: string): unknown {
  const [, , subscriptionId, , resourceGroup] = resource.id.split("/");
  if (column === "subscriptionId") return subscriptionId;
  if (column === "resourceGroup") return resourceGroup;
  const value = resource[column as keyof Resource];
  return column === "type" ? String(value).toLowerCase() : value;
}

function sorted(query: string, { columns, rows }: Answered): Answered {
  const [, column, direction] = /\|\s*(?:sort|order) by \[?'?(\w+)'?\]?\s+(asc|desc)/.exec(query) ?? [];
  const at = columns.findIndex(({ name }) => name === column);
  if (at < 0) return { columns, rows };
  const sign = direction === "desc" ? -1 : 1;
  return { columns, rows: rows.toSorted((a, b) => sign * compare(a[at], b[at])) };
}

function compare(a: unknown, b: unknown): number {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}

function renderOf(query: string): QueryResponse["render"] {
  const [, chart, title] = /\|\s*render\s+(\w+)(?:\s+with\s*\(.*?title='([^']*)')?/.exec(query) ?? [];
  return chart ? { chart, properties: title ? { title } : {} } : undefined;
}
