/** The live list of the subscription whose pages are open: one event stream for all of them. */
import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { LiveConnection } from "../api/live-connection";
import type { LiveView } from "../api/live-resources";
import type { Resource } from "../api/resources";
import { sessionQuery } from "../api/session";

const HIDDEN_MILLISECONDS = 60_000;

const LiveContext = createContext<LiveConnection | undefined>(undefined);

/** Give it a `key` of the subscription, so that another subscription gets a stream and a list of its own. */
export function LiveProvider({ subscriptionId, children }: { subscriptionId: string; children: ReactNode }) {
  const queries = useQueryClient();
  const [connection, setConnection] = useState<LiveConnection>();
  useEffect(() => {
    // A break may be the end of the session: asking who is signed in finds out, and the shell then leaves to sign in.
    const opened = new LiveConnection(subscriptionId, () =>
      queries.invalidateQueries({ queryKey: sessionQuery.queryKey }),
    );
    opened.open();
    setConnection(opened);
    const stopPausing = pauseWhileHidden(opened);
    return () => {
      stopPausing();
      opened.close();
    };
  }, [subscriptionId, queries]);
  return connection && <LiveContext value={connection}>{children}</LiveContext>;
}

/** A window that nobody has seen for a while lets go of its stream until it is looked at again. */
function pauseWhileHidden(connection: LiveConnection): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(() => connection.pause(), HIDDEN_MILLISECONDS);
    else connection.resume();
  };
  document.addEventListener("visibilitychange", look);
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", look);
  };
}

function useConnection(): LiveConnection {
  const connection = useContext(LiveContext);
  if (!connection) throw new Error("a live hook is used outside a subscription's pages");
  return connection;
}

export function useLiveView(): LiveView {
  const connection = useConnection();
  return useSyncExternalStore(connection.subscribe, connection.view);
}

/** The resource as last heard, or undefined when the list does not hold it. */
export function useLiveResource(id: string): Resource | undefined {
  const connection = useConnection();
  useSyncExternalStore(connection.subscribe, connection.view);
  return connection.get(id);
}
