import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveConnection } from "./live-connection";

/** A stream whose other end is the test. */
class FakeStream extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSED = 2;
  static all: FakeStream[] = [];
  readyState = FakeStream.CONNECTING;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  constructor(readonly url: string) {
    super();
    FakeStream.all.push(this);
  }
  close() {
    this.readyState = FakeStream.CLOSED;
  }
  opens() {
    this.readyState = FakeStream.OPEN;
    this.onopen?.();
  }
  says(event: string, data: unknown, lastEventId = "") {
    this.dispatchEvent(new MessageEvent(event, { data: JSON.stringify(data), lastEventId }));
  }
  breaks(readyState: number) {
    this.readyState = readyState;
    this.onerror?.();
  }
}

const resource = { id: "/subscriptions/s/resourceGroups/g/providers/A.B/cs/c", name: "c", type: "A.B/cs" };
const broken = vi.fn();
let connection: LiveConnection;

const newest = () => FakeStream.all.at(-1) as FakeStream;
const settle = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

function comesToLife(): FakeStream {
  const stream = newest();
  stream.opens();
  stream.says("snapshot", { value: [resource] }, "snapshot");
  stream.says("ready", {}, "e.5");
  return stream;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("EventSource", FakeStream);
  vi.stubGlobal(
    "fetch",
    vi.fn(async () => new Response("", { status: 502 })),
  );
  FakeStream.all = [];
  broken.mockClear();
  connection = new LiveConnection("s", broken);
  connection.open();
});
afterEach(() => {
  connection.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("the live connection", () => {
  it("draws a storm of changes once", async () => {
    const drawn = vi.fn();
    connection.subscribe(drawn);
    const stream = comesToLife();
    for (let n = 0; n < 1_000; n++) stream.says("changed", { ...resource, name: `c${n}` }, `e.${n + 6}`);
    await settle(100);
    expect(drawn).toHaveBeenCalledTimes(1);
    expect(connection.view().resources[0]?.name).toBe("c999");
  });

  it("leaves a break to the browser once it can resume", async () => {
    comesToLife().breaks(FakeStream.CONNECTING);
    await settle(30_000);
    expect(connection.view().phase).toBe("interrupted");
    expect(FakeStream.all).toHaveLength(1);
    expect(broken).toHaveBeenCalled();
    newest().opens();
    await settle(100);
    expect(connection.view().phase).toBe("live");
  });

  it("begins again when a snapshot breaks off", async () => {
    newest().opens();
    newest().says("snapshot", { value: [resource] }, "snapshot");
    newest().breaks(FakeStream.CONNECTING);
    await settle(2_000);
    expect(FakeStream.all).toHaveLength(2);
    expect(newest().url).not.toContain("cursor");
  });

  it("comes back at its cursor after a bad gateway, ever more slowly", async () => {
    comesToLife().breaks(FakeStream.CLOSED);
    await settle(1_300);
    expect(FakeStream.all).toHaveLength(2);
    expect(newest().url).toContain("cursor=e.5");
    for (let n = 0; n < 10; n++) {
      newest().breaks(FakeStream.CLOSED);
      await settle(20_000);
    }
    expect(FakeStream.all).toHaveLength(12);
    newest().breaks(FakeStream.CLOSED);
    await settle(11_000);
    expect(FakeStream.all).toHaveLength(12);
    await settle(8_000);
    expect(FakeStream.all).toHaveLength(13);
  });

  it("takes long silence for a break", async () => {
    const stream = comesToLife();
    await settle(60_000);
    stream.says("keepAlive", {}, "e.9");
    await settle(60_000);
    expect(connection.view().phase).toBe("live");
    await settle(10_000);
    expect(connection.view().phase).toBe("interrupted");
    expect(stream.readyState).toBe(FakeStream.CLOSED);
    expect(newest().url).toContain("cursor=e.9");
  });

  it("stops when the server says no for good", async () => {
    const body = JSON.stringify({ error: { code: "AuthorizationFailed", message: "no role" } });
    vi.stubGlobal(
      "fetch",
      vi.fn(async () => new Response(body, { status: 403 })),
    );
    newest().breaks(FakeStream.CLOSED);
    await settle(60_000);
    expect(connection.view()).toMatchObject({ phase: "refused", refusal: { message: "no role" } });
    expect(FakeStream.all).toHaveLength(1);
  });

  it("goes on asking when only the session has ended", async () => {
    vi.stubGlobal(
      "fetch",
      vi.fn(async () => new Response("{}", { status: 401 })),
    );
    newest().breaks(FakeStream.CLOSED);
    await settle(3_000);
    expect(connection.view().phase).toBe("connecting");
    expect(FakeStream.all).toHaveLength(2);
  });

  it("pauses, and goes on where it stopped", async () => {
    const stream = comesToLife();
    await settle(100);
    connection.pause();
    expect(stream.readyState).toBe(FakeStream.CLOSED);
    await settle(600_000);
    expect(FakeStream.all).toHaveLength(1);
    connection.resume();
    expect(newest().url).toContain("cursor=e.5");
    newest().opens();
    await settle(100);
    expect(connection.view().phase).toBe("live");
  });

  it("says how old its knowledge is when it cannot go on after a pause", async () => {
    comesToLife();
    await settle(100);
    const pausedAt = new Date();
    connection.pause();
    await settle(600_000);
    connection.resume();
    newest().breaks(FakeStream.CLOSED);
    await settle(100);
    expect(connection.view()).toMatchObject({ phase: "interrupted", interruptedSince: pausedAt });
  });

  it("is quiet after it was closed", async () => {
    comesToLife();
    connection.close();
    connection.resume();
    await settle(120_000);
    expect(FakeStream.all).toHaveLength(1);
  });
});
