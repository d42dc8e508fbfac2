import { expect, it } from "vitest";
import { ApiError } from "../api/http";
import { findingsOf } from "../api/query";
import { toCsv, toTsv } from "../util/csv";
import { queryAddress } from "../util/path-builder";
import { EXAMPLE_GROUPS, examplesFor } from "./query-examples";
import { sortedQuery, sortPage } from "./query-results-sort";

const COLUMNS = [
  { name: "name", type: "string" },
  { name: "tags", type: "object" },
];

it("orders all pages by the server where it can", () => {
  const by = (query: string, column: string, descending = false) => sortedQuery(query, COLUMNS, { column, descending });
  expect(by("Resources;\n", "name")).toBe("Resources\n| sort by ['name'] asc");
  expect(by("Resources\n| sort by ['name'] asc", "name", true)).toBe("Resources\n| sort by ['name'] desc");
  expect(by("Resources | render piechart", "name")).toBeUndefined();
  expect(by("Resources", "tags")).toBeUndefined();
  expect(by("Resources", "#")).toBeUndefined();
});

it("orders a page as numbers and texts, and keeps the numbers of its rows", () => {
  const page = { columns: [{ name: "n", type: "integer" }], rows: [[10], [9], [null]] };
  const order = (descending: boolean) =>
    sortPage({ ...page, total: 3, next: undefined, render: undefined, milliseconds: 1 }, { column: "n", descending });
  expect(order(false).map(({ number }) => number)).toEqual([2, 1, 3]);
  expect(order(true).map(({ number }) => number)).toEqual([1, 2, 3]);
});

it("finds the places in a refusal", () => {
  const details = [
    { code: "InvalidQuery", message: "The details say where." },
    { code: "InvalidQuery", message: "line 2, column 9: no such column", target: "2:9" },
  ];
  expect(findingsOf(new ApiError(400, "BadRequest", "wrong", details))).toEqual([
    { line: 2, column: 9, message: "line 2, column 9: no such column" },
  ]);
  expect(findingsOf(new Error("other"))).toEqual([]);
});

it("writes rows for other programs", () => {
  const rows = [
    ['a "b"', { x: 1 }],
    ["c,d\ne", null],
  ];
  expect(toCsv(["name", "tags"], rows)).toBe('name,tags\r\n"a ""b""","{""x"":1}"\r\n"c,d\ne",\r\n');
  expect(toTsv(["name", "tags"], rows)).toBe('name\ttags\na "b"\t{"x":1}\nc,d e\t');
});

it("has at least twenty examples, and offers those whose tables there are", () => {
  const all = ["Resources", "ResourceContainers", "AuthorizationResources", "KubernetesObjects"];
  expect(examplesFor(all).length).toBeGreaterThanOrEqual(20);
  expect(new Set(examplesFor(all).map(({ title }) => title)).size).toBe(examplesFor(all).length);
  expect(examplesFor(["Resources"]).every(({ query }) => query.startsWith("Resources"))).toBe(true);
  expect(EXAMPLE_GROUPS).toContain("Kubernetes");
});

it("puts a query into an address", () => {
  expect(queryAddress("Resources | where a == 'b'")).toBe("/portal/query?q=Resources+%7C+where+a+%3D%3D+%27b%27");
});
