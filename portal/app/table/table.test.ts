import { expect, it } from "vitest";
import { formatSort, nextSort, parseSort, sortRows } from "./sort";
import { rowWindow } from "./use-row-window";

it("keeps the order in one word of the address", () => {
  for (const word of ["name", "-seen"]) expect(formatSort(parseSort(word))).toBe(word);
  expect(formatSort(nextSort(parseSort("name"), "name"))).toBe("-name");
  expect(formatSort(nextSort(parseSort("-name"), "name"))).toBe("name");
  expect(formatSort(nextSort(parseSort("-name"), "state"))).toBe("state");
});

it("orders numbers in names as numbers, absent values last, ties by name", () => {
  const rows = [
    { n: "node-10", v: 1 },
    { n: "node-9", v: 1 },
    { n: "b", v: undefined },
    { n: "a", v: 2 },
  ];
  const names = (descending: boolean) =>
    sortRows(
      rows,
      (r) => r.v,
      descending,
      (r) => r.n,
    ).map((r) => r.n);
  expect(names(false)).toEqual(["node-9", "node-10", "a", "b"]);
  expect(names(true)).toEqual(["a", "node-9", "node-10", "b"]);
});

it("draws short tables whole and of long ones what is near the window", () => {
  expect(rowWindow(300, 38, -5_000, 800)).toEqual({ first: 0, end: 300 });
  const { first, end } = rowWindow(5_000, 38, -38_000, 800);
  expect(first).toBeLessThanOrEqual(1_000 - 20);
  expect(end).toBeGreaterThanOrEqual(1_000 + 22 + 20);
  expect(end - first).toBeLessThan(100);
  expect(rowWindow(5_000, 38, 200, 800).first).toBe(0);
  expect(rowWindow(400, 38, -1e6, 800)).toEqual({ first: 400, end: 400 });
});
