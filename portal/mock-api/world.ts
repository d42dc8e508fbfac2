/**
 * What one mock server knows: a small Bowline in memory, with the same rules for its answers as the real one where a
 * page depends on them (paging, resuming, masking is left out). Each test has a world of its own, named by a cookie,
 * so that tests run side by side.
 */
import type { PortalSession, Query, Resource, Subscription } from "../app/api/__generated__/types.ts";
import type { Made } from "./cluster-objects.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";

export interface StreamItem {
  event: "snapshot" | "ready" | "changed" | "deleted" | "keepAlive";
  data: unknown;
}

type Listener = (item: StreamItem, cursor: string) => void;

export class World {
  session: PortalSession | undefined;
  readonly subscriptions: Subscription[];
  readonly resources = new Map<string, Resource>();
  /** Saved queries by id. */
  readonly queries = new Map<string, Query>();
  /** What the agents reported of their clusters. */
  private readonly reported: Made[];
  /** While true, the objects of clusters may not be seen. */
  objectsHidden = false;
  /** While true, event streams are cut and refused, as by a proxy whose server is gone. */
  streamsCut = false;
  private readonly changes: StreamItem[] = [];
  private readonly listeners = new Set<Listener>();
  private readonly cutters = new Set<() => void>();

  constructor(scenario: Scenario) {
    this.session = scenario.session;
    this.subscriptions = scenario.subscriptions;
    this.reported = scenario.objects();
    for (const resource of scenario.resources) this.resources.set(resource.id.toLowerCase(), resource);
  }

  objects(clusterId: string): Made[] {
    return this.objectsHidden || !this.resources.has(clusterId.toLowerCase()) ? [] : this.reported;
  }

  /** Changes what an agent has reported, or takes it away. */
  report(kind: string, name: string, content: object | undefined): void {
    const at = this.reported.findIndex((one) => one.kind === kind && one.name === name);
    const found = this.reported[at];
    if (!found) return;
    if (content) this.reported[at] = { ...found, object: { ...found.object, ...content } };
    else this.reported.splice(at, 1);
  }

  put(resource: Resource): void {
    this.resources.set(resource.id.toLowerCase(), resource);
    this.announce({ event: "changed", data: resource });
  }

  patchProperties(id: string, properties: Record<string, unknown>): void {
    const resource = this.resources.get(id.toLowerCase());
    if (resource) this.put({ ...resource, properties: { ...resource.properties, ...properties } });
  }

  delete(id: string): void {
    const resource = this.resources.get(id.toLowerCase());
    if (!resource) return;
    this.resources.delete(id.toLowerCase());
    this.announce({ event: "deleted", data: { id: resource.id, type: resource.type } });
  }

  cutStreams(): void {
    this.streamsCut = true;
    for (const cut of this.cutters) cut();
  }

  /** Everything after a cursor, or a snapshot when there is none. */
  replay(subscriptionId: string, cursor: number | undefined, send: Listener): void {
    const now = String(this.changes.length);
    if (cursor === undefined || Number.isNaN(cursor)) {
      const value = [...this.resources.values()].filter((r) => inSubscription(r.id, subscriptionId));
      for (let at = 0; at < value.length; at += 500)
        send({ event: "snapshot", data: { value: value.slice(at, at + 500) } }, "");
      send({ event: "ready", data: {} }, now);
      return;
    }
    this.changes.slice(cursor).forEach((item, index) => {
      if (concerns(item, subscriptionId)) send(item, String(cursor + index + 1));
    });
  }

  listen(subscriptionId: string, send: Listener, cut: () => void): () => void {
    const listener: Listener = (item, cursor) => concerns(item, subscriptionId) && send(item, cursor);
    this.listeners.add(listener);
    this.cutters.add(cut);
    return () => {
      this.listeners.delete(listener);
      this.cutters.delete(cut);
    };
  }

  private announce(item: StreamItem): void {
    this.changes.push(item);
    for (const listener of this.listeners) listener(item, String(this.changes.length));
  }
}

function inSubscription(id: string, subscriptionId: string): boolean {
  return id.toLowerCase().startsWith(`/subscriptions/${subscriptionId.toLowerCase()}/`);
}

function concerns(item: StreamItem, subscriptionId: string): boolean {
  const { id } = item.data as { id?: string };
  return id === undefined || inSubscription(id, subscriptionId);
}

const worlds = new Map<string, World>();

/** The world of a cookie's value: `scenario` or `scenario.anything`. */
export function worldOf(name: string): World {
  let world = worlds.get(name);
  if (!world) {
    const scenario = name.split(".")[0] ?? "";
    world = new World((SCENARIOS[scenario] ?? SCENARIOS.fleet)());
    worlds.set(name, world);
  }
  return world;
}
