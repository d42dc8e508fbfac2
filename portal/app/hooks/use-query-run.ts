/** A query that runs: its pages one by one, and the way to end it. A newer run ends the one before. */
import { useEffect, useRef, useState } from "react";
import { type QueryAsk, type QueryPage, runQuery } from "../api/query";

/** What is asked, without the page. */
export interface QueryRun extends Omit<QueryAsk, "token"> {
  /** The order that was put behind the query for whoever clicked on a column. */
  sort?: { column: string; descending: boolean };
}

export interface RunState {
  phase: "idle" | "running" | "done" | "failed" | "ended";
  /** Of what `page` is the answer. */
  run?: QueryRun;
  page?: QueryPage;
  /** Counted from 0. */
  index: number;
  error?: unknown;
}

/** Tokens of the pages that were seen, so that there is a way back. */
type Tokens = Array<string | undefined>;

export function useQueryRun() {
  const [state, setState] = useState<RunState>({ phase: "idle", index: 0 });
  const under = useRef<AbortController>(undefined);
  const tokens = useRef<Tokens>([undefined]);
  useEffect(() => () => under.current?.abort(), []);

  async function read(run: QueryRun, index: number): Promise<void> {
    under.current?.abort();
    const stop = new AbortController();
    under.current = stop;
    setState((old) => ({ ...old, phase: "running", error: undefined }));
    try {
      const page = await runQuery({ ...run, token: tokens.current[index] }, stop.signal);
      if (under.current !== stop) return;
      tokens.current = [...tokens.current.slice(0, index + 1), page.next];
      setState({ phase: "done", run, page, index });
    } catch (error) {
      if (under.current !== stop) return;
      setState((old) => (stop.signal.aborted ? { ...old, phase: "ended" } : { phase: "failed", index: 0, error }));
    }
  }

  return {
    state,
    start: (run: QueryRun) => {
      tokens.current = [undefined];
      return read(run, 0);
    },
    turnTo: (index: number) => state.run && read(state.run, index),
    end: () => under.current?.abort(),
  };
}
