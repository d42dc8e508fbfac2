import { describe, expect, it } from "vitest";
import { at, list, number, text, textMap } from "./json";
import { count, formatBytes, parseBytes } from "./quantity";
import { parseResourceId } from "./resource-id";
import { formatAge, formatRelative, parseTime } from "./time";

describe("time", () => {
  const now = new Date("2026-11-23T12:00:00Z");
  const back = (seconds: number) => new Date(now.getTime() - seconds * 1000);
  it.each([
    [0, "just now"],
    [59, "just now"],
    [-30, "just now"],
    [60, "1 minute ago"],
    [3 * 3600 + 1800, "3 hours ago"],
    [-89 * 86_400, "in 2 months"],
    [800 * 86_400, "2 years ago"],
  ])("%i seconds back reads %s", (seconds, said) => {
    expect(formatRelative(back(seconds), now)).toBe(said);
  });
  it.each([
    [-5, "0s"],
    [119, "119s"],
    [120, "2m"],
    [7_200, "2h"],
    [172_800, "2d"],
  ])("an age of %i seconds reads %s", (seconds, said) => {
    expect(formatAge(back(seconds), now)).toBe(said);
  });
  it("reads no time from what is none", () => {
    expect(parseTime("yesterday")).toBeUndefined();
    expect(parseTime(undefined)).toBeUndefined();
  });
});

describe("quantities", () => {
  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1536, "1.5 KiB"],
    [64 * 2 ** 30, "64.0 GiB"],
    [960e9, "894 GiB"],
  ])("%i bytes read %s", (bytes, said) => {
    expect(formatBytes(bytes)).toBe(said);
  });
  it("reads Kubernetes' amounts of memory", () => {
    expect(parseBytes("16393632Ki")).toBe(16393632 * 1024);
    expect(parseBytes("1.5Gi")).toBe(1.5 * 2 ** 30);
    expect(parseBytes("128")).toBe(128);
    expect(parseBytes("much")).toBeUndefined();
    expect(parseBytes("1Xi")).toBeUndefined();
  });
  it("counts in words", () => {
    expect([0, 1, 1204].map((n) => count(n, "resource"))).toEqual(["0 resources", "1 resource", "1,204 resources"]);
  });
});

describe("ids", () => {
  it("takes an id apart", () => {
    expect(parseResourceId("/subscriptions/s/resourcegroups/G/providers/A.B/cs/c")).toEqual({
      subscriptionId: "s",
      resourceGroupName: "G",
      type: "A.B/cs",
      name: "c",
    });
    expect(parseResourceId("/providers/A.B/cs/c")).toBeUndefined();
    expect(parseResourceId("")).toBeUndefined();
  });
});

describe("reading what may be anything", () => {
  const value = { a: [{ b: "x", n: 1, empty: "" }], tags: { k: "v", n: 2 } };
  it("finds what is there and nothing else", () => {
    expect(text(value, "a", 0, "b")).toBe("x");
    expect(text(value, "a", 0, "empty")).toBeUndefined();
    expect(text(value, "a", 0, "n")).toBeUndefined();
    expect(number(value, "a", 0, "n")).toBe(1);
    expect(number(value, "a", 0, "b")).toBeUndefined();
    expect(list(value, "a")).toHaveLength(1);
    expect(list(value, "a", 0)).toEqual([]);
    expect(textMap(value, "tags")).toEqual({ k: "v" });
    expect(textMap(value, "a")).toEqual({});
    expect(at(value, "a", 9, "b", "c")).toBeUndefined();
    expect(at(null, "a")).toBeUndefined();
    expect(at(value, "constructor")).toBeUndefined();
  });
});
