/**
 * The socket of the live list: opens the public event stream, feeds `LiveResources`, and brings the stream back when
 * it breaks. A break that the browser mends by itself (it resumes with `Last-Event-ID`) is left to the browser; after
 * an answer that is no stream, or silence, the connection is opened anew at the cursor.
 */

import { eventsStream } from "./__generated__/operations";
import { addressOf, refusalOf } from "./http";
import { LiveResources, type LiveView, type StreamEvent } from "./live-resources";

const EVENTS = ["snapshot", "ready", "changed", "deleted", "keepAlive"] as const;
// The server says something every 20 s; three times nothing means that nobody is there.
const SILENCE_MILLISECONDS = 65_000;
const RETRY_MILLISECONDS = [1_000, 2_000, 4_000, 8_000, 15_000];
// A storm of changes is drawn ten times a second, not once for each change.
const DRAW_MILLISECONDS = 100;

// Refusals that pass by themselves or that the session's owner handles: signed out, too slow, too many.
const PASSING = new Set([401, 408, 429]);

export class LiveConnection {
  private readonly resources = new LiveResources();
  private readonly listeners = new Set<() => void>();
  private source: EventSource | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private draw: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private closed = false;
  private pausedAt: Date | undefined;
  private shown: LiveView = this.resources.view();

  /** `onBroken` is told of every break, so that the owner can see whether the session has ended. */
  constructor(
    private readonly subscriptionId: string,
    private readonly onBroken: () => void,
  ) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly view = (): LiveView => this.shown;

  get(id: string) {
    return this.resources.get(id);
  }

  open(): void {
    const source = new EventSource(this.address());
    this.source = source;
    source.onopen = () => {
      this.pausedAt = undefined;
      this.receive({ kind: "opened" });
    };
    source.onerror = () => this.broken(source);
    for (const kind of EVENTS) {
      source.addEventListener(kind, (event) => this.receiveMessage(kind, event));
    }
    this.heard();
  }

  /**
   * Lets go of the stream while nobody looks: a browser gives all windows of a server only a few connections when it
   * speaks HTTP/1.1, and an idle stream costs the server a session. `resume` goes on where it stopped.
   */
  pause(): void {
    if (this.closed || this.pausedAt || this.resources.view().phase === "refused") return;
    this.pausedAt = new Date();
    this.stop();
  }

  resume(): void {
    if (this.closed || !this.pausedAt) return;
    this.open();
  }

  close(): void {
    this.closed = true;
    this.stop();
    clearTimeout(this.draw);
    this.draw = undefined;
  }

  private stop(): void {
    this.source?.close();
    this.source = undefined;
    clearTimeout(this.silence);
    clearTimeout(this.retry);
  }

  private receiveMessage(kind: (typeof EVENTS)[number], event: MessageEvent<string>): void {
    this.failures = 0;
    this.receive({ kind, data: parse(event.data), cursor: event.lastEventId });
  }

  private receive(event: StreamEvent): void {
    this.heard();
    this.resources.apply(event);
    this.show();
  }

  private broken(source: EventSource): void {
    if (source !== this.source) return;
    // What was known is as old as the pause, when there was one.
    this.resources.apply({ kind: "lost", at: this.pausedAt ?? new Date() });
    this.pausedAt = undefined;
    this.show();
    this.onBroken();
    // While the browser reconnects with a cursor there is nothing to do; part of a snapshot has to start again.
    if (source.readyState === EventSource.CONNECTING && this.resources.cursor !== undefined) return;
    if (source.readyState === EventSource.CLOSED) this.askWhy(source);
    this.reopen();
  }

  private async askWhy(source: EventSource): Promise<void> {
    const error = await refusalOf(this.address());
    const final = error && error.status >= 400 && error.status < 500 && !PASSING.has(error.status);
    // A later connection may have been opened meanwhile; none after `close`.
    if (!final || this.closed || source.readyState !== EventSource.CLOSED) return;
    this.resources.apply({ kind: "refused", error });
    this.show();
    this.stop();
  }

  private address(): string {
    const query = { cursor: this.resources.cursor };
    return addressOf(eventsStream, { path: { subscriptionId: this.subscriptionId }, query });
  }

  private reopen(): void {
    this.stop();
    const base = RETRY_MILLISECONDS[Math.min(this.failures, RETRY_MILLISECONDS.length - 1)] ?? 1_000;
    this.failures += 1;
    // Jitter, so that all open portals do not come back in the same second.
    this.retry = setTimeout(() => this.open(), base * (0.75 + Math.random() * 0.5));
  }

  private heard(): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      this.resources.apply({ kind: "lost", at: new Date() });
      this.show();
      this.reopen();
    }, SILENCE_MILLISECONDS);
  }

  private show(): void {
    this.draw ??= setTimeout(() => {
      this.draw = undefined;
      this.shown = this.resources.view();
      for (const listener of this.listeners) listener();
    }, DRAW_MILLISECONDS);
  }
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
