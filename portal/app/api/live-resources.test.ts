import { describe, expect, it } from "vitest";
import { LiveResources } from "./live-resources";

const resource = (name: string, state = "Connected") => ({
  id: `/subscriptions/s/resourceGroups/g/providers/Microsoft.HybridCompute/machines/${name}`,
  name,
  type: "Microsoft.HybridCompute/machines",
  properties: { status: state },
});
const LOST_AT = new Date("2026-11-23T10:00:00Z");

function started(...names: string[]): LiveResources {
  const live = new LiveResources();
  live.apply({ kind: "opened" });
  live.apply({ kind: "snapshot", data: { value: names.map((name) => resource(name)) }, cursor: "" });
  live.apply({ kind: "ready", data: {}, cursor: "e:5" });
  return live;
}
const names = (live: LiveResources) =>
  live
    .view()
    .resources.map((r) => r.name)
    .sort();

describe("the live list", () => {
  it("shows nothing until the first snapshot is complete", () => {
    const live = new LiveResources();
    expect(live.view().phase).toBe("connecting");
    live.apply({ kind: "opened" });
    live.apply({ kind: "snapshot", data: { value: [resource("a")] }, cursor: "" });
    expect(live.view()).toMatchObject({ phase: "loading", resources: [] });
    live.apply({ kind: "snapshot", data: { value: [resource("b")] }, cursor: "" });
    live.apply({ kind: "ready", data: {}, cursor: "e:5" });
    expect(live.view().phase).toBe("live");
    expect(names(live)).toEqual(["a", "b"]);
  });

  it("is live and empty when nothing is in scope", () => {
    const live = new LiveResources();
    live.apply({ kind: "opened" });
    live.apply({ kind: "ready", data: {}, cursor: "e:0" });
    expect(live.view()).toMatchObject({ phase: "live", resources: [] });
  });

  it("takes changes and deletions, whatever the case of the id", () => {
    const live = started("a", "b");
    const changed = resource("a", "Disconnected");
    live.apply({ kind: "changed", data: { ...changed, id: changed.id.toUpperCase() }, cursor: "e:6" });
    live.apply({ kind: "deleted", data: { id: resource("b").id.toUpperCase() }, cursor: "e:7" });
    expect(live.view().resources).toHaveLength(1);
    expect(live.get(resource("A").id)?.properties).toEqual({ status: "Disconnected" });
    expect(live.cursor).toBe("e:7");
  });

  it("keeps showing what it knew while interrupted, and says since when", () => {
    const live = started("a");
    live.apply({ kind: "lost", at: LOST_AT });
    live.apply({ kind: "lost", at: new Date() });
    expect(live.view()).toMatchObject({ phase: "interrupted", interruptedSince: LOST_AT });
    expect(names(live)).toEqual(["a"]);
    live.apply({ kind: "opened" });
    expect(live.view()).toMatchObject({ phase: "live", interruptedSince: undefined });
  });

  it("swaps a new epoch's snapshot in at once, without what has gone", () => {
    const live = started("a", "b");
    live.apply({ kind: "snapshot", data: { value: [resource("b")] }, cursor: "" });
    expect(names(live)).toEqual(["a", "b"]);
    expect(live.cursor).toBeUndefined();
    live.apply({ kind: "changed", data: resource("c"), cursor: "f:1" });
    expect(live.cursor).toBeUndefined();
    live.apply({ kind: "ready", data: {}, cursor: "f:2" });
    expect(names(live)).toEqual(["b", "c"]);
    expect(live.cursor).toBe("f:2");
  });

  it("forgets half a snapshot when the stream breaks in it", () => {
    const live = new LiveResources();
    live.apply({ kind: "opened" });
    live.apply({ kind: "snapshot", data: { value: [resource("a")] }, cursor: "e:1" });
    live.apply({ kind: "lost", at: LOST_AT });
    expect(live.view().phase).toBe("connecting");
    expect(live.cursor).toBeUndefined();
    live.apply({ kind: "opened" });
    live.apply({ kind: "snapshot", data: { value: [resource("b")] }, cursor: "" });
    live.apply({ kind: "ready", data: {}, cursor: "e:9" });
    expect(names(live)).toEqual(["b"]);
  });

  it("shows nothing any more once it is refused", () => {
    const live = started("a");
    live.apply({ kind: "refused", error: new Error("no role") });
    expect(live.view()).toMatchObject({ phase: "refused", resources: [], refusal: { message: "no role" } });
  });

  it("moves its cursor with keep-alives, and ignores what is no resource", () => {
    const live = started("a");
    live.apply({ kind: "keepAlive", data: {}, cursor: "e:40" });
    live.apply({ kind: "changed", data: { name: "no id" }, cursor: "e:41" });
    live.apply({ kind: "changed", data: undefined, cursor: "" });
    expect(live.cursor).toBe("e:41");
    expect(names(live)).toEqual(["a"]);
  });

  it("hands out the same view until something happens", () => {
    const live = started("a");
    expect(live.view()).toBe(live.view());
  });
});
