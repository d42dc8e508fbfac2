/** The log of one container, read as it comes. Another wish ends the reading before it. */
import { useEffect, useRef, useState } from "react";
import { askCluster, type LogWish, logPath, readText } from "../api/cluster-proxy";
import type { ResourcePath } from "../util/path-builder";
import { addText, type LineBuffer, NO_LINES } from "../util/text-lines";

export const MOST_LINES = 5_000;
// Lines come in bursts; the page is drawn at most so often.
const DRAW_MILLISECONDS = 150;

export interface LogState {
  phase: "reading" | "following" | "ended" | "failed";
  buffer: LineBuffer;
  error?: unknown;
}

export function useLog(cluster: ResourcePath, wish: LogWish, attempt: number): LogState {
  const [state, setState] = useState<LogState>({ phase: "reading", buffer: NO_LINES });
  const where = useRef(cluster);
  where.current = cluster;
  const address = logPath(wish);
  const follows = wish.follow && !wish.previous;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt is the same wish again.
  useEffect(() => {
    const stop = new AbortController();
    let buffer = NO_LINES;
    let timer: ReturnType<typeof setTimeout> | undefined;
    setState({ phase: "reading", buffer });
    const draw = () => {
      timer = undefined;
      setState((old) => ({ ...old, buffer }));
    };
    const read = async () => {
      const response = await askCluster(where.current, address, stop.signal, "text/plain, */*");
      setState({ phase: follows ? "following" : "reading", buffer });
      await readText(response, (text) => {
        buffer = addText(buffer, text, MOST_LINES);
        timer ??= setTimeout(draw, DRAW_MILLISECONDS);
      });
      // What has no end of its line yet is a line too.
      if (buffer.rest) buffer = addText(buffer, "\n", MOST_LINES);
      setState({ phase: "ended", buffer });
    };
    read().catch((error: unknown) => {
      if (!stop.signal.aborted) setState({ phase: "failed", buffer, error });
    });
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [address, follows, attempt]);
  return state;
}
