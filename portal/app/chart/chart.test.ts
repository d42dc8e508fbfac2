import { expect, it } from "vitest";
import { piecesOf } from "./bars";
import { chartOf } from "./chart-data";
import { sliceOf } from "./pie";
import { niceMarks, numberLabel, timeLabel, timeMarks } from "./scale";

const TIME = { name: "day", type: "datetime" };
const SITE = { name: "site", type: "string" };
const N = { name: "n", type: "integer" };
const wish = (chart: string, properties: Record<string, string> = {}) => ({ chart, properties });

it("takes the first text as the axis and numbers as series", () => {
  const load = { name: "load", type: "number" };
  const chart = chartOf(
    [SITE, N, load],
    [
      ["eu", 3, 1.5],
      ["us", 5, null],
    ],
    wish("columnchart", { title: "Sites" }),
  );
  expect(chart).toMatchObject({ kind: "column", title: "Sites", axis: "site", labels: ["eu", "us"], left: 0 });
  expect(chart?.series).toEqual([
    { name: "n", values: [3, 5] },
    { name: "load", values: [1.5, undefined] },
  ]);
});

it("makes a series of each text between time and number, in order of time", () => {
  const rows = [
    ["2026-01-02T00:00:00Z", "us", 4],
    ["2026-01-01T00:00:00Z", "eu", 1],
    ["2026-01-01T00:00:00Z", "us", 2],
  ];
  const chart = chartOf([TIME, SITE, N], rows, wish("timechart"));
  expect(chart?.labels).toEqual(["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]);
  expect(chart?.positions?.[1]).toBe(Date.parse("2026-01-02T00:00:00Z"));
  expect(chart?.series).toEqual([
    { name: "us", values: [2, 4] },
    { name: "eu", values: [1, undefined] },
  ]);
});

it("obeys xcolumn, ycolumns and series, and draws no table", () => {
  const rows = [["eu", 1, 10]];
  const other = { name: "m", type: "integer" };
  const chart = chartOf([SITE, N, other], rows, wish("barchart", { ycolumns: "m", xcolumn: "site" }));
  expect(chart?.series.map(({ name }) => name)).toEqual(["m"]);
  expect(chartOf([SITE, N], rows, wish("table"))).toBeUndefined();
  expect(chartOf([SITE], [["eu"]], wish("piechart"))).toBeUndefined();
  expect(chartOf([SITE, N], [], wish("piechart"))).toBeUndefined();
});

it("says how much it leaves out", () => {
  const rows = Array.from({ length: 50 }, (_, index) => [`s${index}`, index]);
  expect(chartOf([SITE, N], rows, wish("piechart"))).toMatchObject({ left: 38 });
});

it("puts stacked values on each other", () => {
  const stacked = chartOf(
    [TIME, SITE, N],
    [
      ["a", "x", 2],
      ["a", "y", 3],
    ],
    wish("columnchart", { kind: "stacked", xcolumn: "day" }),
  );
  expect(stacked && piecesOf(stacked).map(({ from, to }) => [from, to])).toEqual([
    [0, 2],
    [2, 5],
  ]);
});

it("marks axes with round numbers and whole times", () => {
  expect(niceMarks(0, 97)).toEqual([0, 20, 40, 60, 80, 100]);
  expect(niceMarks(0, 0)).toEqual([0, 1]);
  expect(niceMarks(0, 3).at(-1)).toBe(3);
  const hour = 3_600_000;
  expect(timeMarks(hour / 2, 3 * hour, 6)).toEqual([hour, 2 * hour, 3 * hour]);
  expect(timeLabel(Date.UTC(2026, 0, 5, 7, 30), 2 * hour)).toBe("07:30");
  expect(timeLabel(Date.UTC(2026, 0, 5), 10 * 24 * hour)).toBe("01-05");
  expect(numberLabel(1_250_000)).toBe("1.3M");
});

it("draws a whole circle and parts of it", () => {
  expect(sliceOf(0, 1)).toContain("Z");
  expect(sliceOf(0, 0.25)).toBe("M0 0L0.00 -98.00A98 98 0 0 1 98.00 -0.00Z");
  expect(sliceOf(0, 0.75)).toContain("A98 98 0 1 1");
});
