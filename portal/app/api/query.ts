/** Queries in KQL over what the caller may see, page by page, and what the editor has to know of tables and functions. */
import { queryOptions } from "@tanstack/react-query";
import { type Json, list, text } from "../util/json";
import { queryResources, querySchemaGet } from "./__generated__/operations";
import type { QueryRender, QuerySchema } from "./__generated__/types";
import { ApiError, call } from "./http";

export type { QueryRender, QuerySchema };

export interface QueryColumn {
  name: string;
  /** As Resource Graph names them: string, integer, number, boolean, datetime, object. */
  type: string;
}
export type QueryRow = readonly Json[];

export interface QueryPage {
  columns: QueryColumn[];
  rows: QueryRow[];
  total: number;
  /** Of the next page; none on the last. */
  next: string | undefined;
  render: QueryRender | undefined;
  milliseconds: number;
}

export interface QueryAsk {
  query: string;
  /** One subscription; without, everything that the caller may see. */
  subscription?: string;
  top: number;
  token?: string;
}

/** Where the server found the query wrong, counted from 1. */
export interface QueryFinding {
  line: number;
  column: number;
  message: string;
}

export const querySchemaQuery = queryOptions({
  queryKey: ["querySchema"],
  queryFn: ({ signal }): Promise<QuerySchema> => call(querySchemaGet, { signal }),
  staleTime: Number.POSITIVE_INFINITY,
});

export async function runQuery(ask: QueryAsk, signal: AbortSignal): Promise<QueryPage> {
  const started = performance.now();
  const page = await call(queryResources, {
    body: {
      query: ask.query,
      subscriptions: ask.subscription ? [ask.subscription] : [],
      options: { $top: ask.top, $skipToken: ask.token, resultFormat: "table" },
    },
    signal,
  });
  const columns = list(page.data, "columns").flatMap((column) => {
    const name = text(column, "name");
    return name === undefined ? [] : [{ name, type: text(column, "type") ?? "string" }];
  });
  const rows = list(page.data, "rows").map((row) => list(row));
  return {
    columns,
    rows,
    total: page.totalRecords,
    next: page.$skipToken,
    render: page.render,
    milliseconds: performance.now() - started,
  };
}

/** The places in an answer that refuses a query. */
export function findingsOf(error: unknown): QueryFinding[] {
  if (!(error instanceof ApiError)) return [];
  return error.details.flatMap(({ target = "", message }) => {
    const [, line, column] = /^(\d+):(\d+)$/.exec(target) ?? [];
    return line && column ? [{ line: Number(line), column: Number(column), message }] : [];
  });
}
