/**
 * The portal's copy of the resources in scope, kept by the public event stream: what each event does to it, and what
 * is true of it at any moment. Knows no socket and no clock, so that every order of events can be tested.
 *
 * A snapshot that arrives while an older one is shown (the store has a new epoch) is collected beside it and takes its
 * place when it is complete: the list never flickers through half a fleet.
 */
import { list, text } from "../util/json";
import { normalizeId } from "../util/resource-id";
import type { Resource } from "./resources";

export type LivePhase =
  /** Nothing is known yet. */
  | "connecting"
  /** The first snapshot is arriving. */
  | "loading"
  /** Every change arrives as it happens. */
  | "live"
  /** What is shown was true when the stream broke; it is being resumed. */
  | "interrupted"
  /** The server says no, and will go on saying it. */
  | "refused";

export interface LiveView {
  phase: LivePhase;
  /** All resources known, in no order. The same array as long as nothing changed. */
  resources: readonly Resource[];
  interruptedSince: Date | undefined;
  refusal: Error | undefined;
}

export type StreamEvent =
  | { kind: "opened" }
  | { kind: "lost"; at: Date }
  | { kind: "refused"; error: Error }
  | { kind: "snapshot" | "ready" | "changed" | "deleted" | "keepAlive"; data: unknown; cursor: string };

export class LiveResources {
  private known = new Map<string, Resource>();
  private arriving: Map<string, Resource> | undefined;
  private phase: LivePhase = "connecting";
  private interruptedSince: Date | undefined;
  private refusal: Error | undefined;
  private current: LiveView | undefined;
  /** Where to resume; undefined until a snapshot is complete, because a part of one cannot be continued. */
  cursor: string | undefined;

  apply(event: StreamEvent): void {
    this.current = undefined;
    if (event.kind === "opened") this.opened();
    else if (event.kind === "lost") this.lost(event.at);
    else if (event.kind === "refused") this.refused(event.error);
    else if (event.kind === "snapshot") this.collect(list(event.data, "value"));
    else if (event.kind === "ready") this.complete(event.cursor);
    else {
      if (event.kind === "changed") this.store(event.data);
      if (event.kind === "deleted") this.remove(text(event.data, "id"));
      this.reached(event.cursor);
    }
  }

  view(): LiveView {
    this.current ??= {
      phase: this.phase,
      resources: [...this.known.values()],
      interruptedSince: this.interruptedSince,
      refusal: this.refusal,
    };
    return this.current;
  }

  get(id: string): Resource | undefined {
    return this.known.get(normalizeId(id));
  }

  private opened(): void {
    // With a cursor the server continues where it stopped; without one a snapshot comes first.
    if (this.cursor !== undefined) this.becomeLive();
    else if (this.phase === "connecting") this.phase = "loading";
  }

  private lost(at: Date): void {
    this.arriving = undefined;
    if (this.phase === "live" || this.phase === "interrupted") {
      this.phase = "interrupted";
      this.interruptedSince ??= at;
    } else {
      this.phase = "connecting";
    }
  }

  private refused(error: Error): void {
    this.phase = "refused";
    this.refusal = error;
    // What may no longer be seen is no longer shown.
    this.known = new Map();
    this.arriving = undefined;
    this.cursor = undefined;
  }

  private collect(resources: unknown[]): void {
    this.arriving ??= new Map();
    this.cursor = undefined;
    for (const resource of resources) put(this.arriving, resource);
  }

  private complete(cursor: string): void {
    // `ready` without a snapshot before it: nothing is in scope, or the server resumed.
    if (this.arriving || this.cursor === undefined) this.known = this.arriving ?? new Map();
    this.arriving = undefined;
    this.cursor = cursor === "" ? this.cursor : cursor;
    this.becomeLive();
  }

  private store(resource: unknown): void {
    put(this.arriving ?? this.known, resource);
  }

  private remove(id: string | undefined): void {
    if (id !== undefined) (this.arriving ?? this.known).delete(normalizeId(id));
  }

  private reached(cursor: string): void {
    if (this.arriving === undefined && this.phase === "live" && cursor !== "") this.cursor = cursor;
  }

  private becomeLive(): void {
    this.phase = "live";
    this.interruptedSince = undefined;
  }
}

function put(map: Map<string, Resource>, resource: unknown): void {
  const id = text(resource, "id");
  if (id !== undefined && text(resource, "type") !== undefined) map.set(normalizeId(id), resource as Resource);
}
