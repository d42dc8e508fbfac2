/** The material of a diagnosis: what the server knows, and nodes, pods and warnings, live or as they were reported last. */
import { queryOptions } from "@tanstack/react-query";
import { list, text } from "../util/json";
import { clusterId, type ResourcePath } from "../util/path-builder";
import { parseTime } from "../util/time";
import { serversList } from "./__generated__/operations";
import type { Seen } from "./cluster-checks";
import { type ClusterObject, clusterObject, objectsOf, objectsText, reportText } from "./cluster-objects";
import { askCluster } from "./cluster-proxy";
import { ApiError, call } from "./http";
import { runQuery } from "./query";

const PAGE = 500;
/** Pages that are read of one kind: 2,000 pods say what is wrong. */
const PAGES_AT_MOST = 4;
const LOG_LINES = 200;
const NAMESPACE = "bowline-system";

const keyOf = ({ subscriptionId, resourceGroupName, name }: ResourcePath) => [subscriptionId, resourceGroupName, name];

/** The servers' version; undefined when the caller may not know it, or they differ. */
export const serverVersionQuery = queryOptions({
  queryKey: ["serverVersion"],
  queryFn: async ({ signal }): Promise<string | null> => {
    try {
      const { value } = await call(serversList, { signal });
      const versions = new Set(
        value.flatMap(({ properties }) => (properties?.state === "Live" ? (properties.version ?? []) : [])),
      );
      return versions.size === 1 ? ([...versions][0] ?? null) : null;
    } catch (error) {
      if (error instanceof ApiError && (error.status === 403 || error.status === 404)) return null;
      throw error;
    }
  },
  staleTime: 60_000,
});

export interface Report {
  objects: number;
  newest: Date | undefined;
}

/** How much is known, and how new the newest of it is. */
export function reportQuery(cluster: ResourcePath) {
  return queryOptions({
    queryKey: ["report", ...keyOf(cluster)],
    queryFn: async ({ signal }): Promise<Report> => {
      const query = reportText(clusterId(cluster));
      const { rows } = await runQuery({ query, subscription: cluster.subscriptionId, top: 1 }, signal);
      return { objects: Number(rows[0]?.[0] ?? 0), newest: parseTime(text(rows[0]?.[1])) };
    },
    refetchInterval: 15_000,
  });
}

export interface Tunnel {
  milliseconds: number;
  version: string;
}

/** Asks the cluster for its version: the shortest way through everything. */
export function tunnelQuery(cluster: ResourcePath) {
  return queryOptions({
    queryKey: ["tunnel", ...keyOf(cluster)],
    queryFn: async ({ signal }): Promise<Tunnel> => {
      const started = performance.now();
      const response = await askCluster(cluster, "/version", signal);
      const version = text(await response.json(), "gitVersion") ?? "unknown";
      return { milliseconds: performance.now() - started, version };
    },
    retry: false,
    refetchOnWindowFocus: false,
  });
}

export function liveSeenQuery(cluster: ResourcePath, enabled: boolean) {
  return queryOptions({
    queryKey: ["liveSeen", ...keyOf(cluster)],
    queryFn: async ({ signal }): Promise<Seen> => {
      const [nodes, pods, events] = await Promise.all([
        everything(cluster, "Node", "/api/v1/nodes", {}, signal),
        everything(cluster, "Pod", "/api/v1/pods", {}, signal),
        everything(cluster, "Event", "/api/v1/events", { fieldSelector: "type=Warning" }, signal),
      ]);
      return { nodes, pods, events };
    },
    enabled,
    retry: false,
    refetchOnWindowFocus: false,
  });
}

async function everything(
  cluster: ResourcePath,
  kind: string,
  path: string,
  more: Record<string, string>,
  signal: AbortSignal,
): Promise<ClusterObject[]> {
  const all: ClusterObject[] = [];
  let next: string | undefined;
  for (let page = 0; page === 0 || (next && page < PAGES_AT_MOST); page++) {
    const query = new URLSearchParams({ limit: String(PAGE), ...more, ...(next ? { continue: next } : {}) });
    const answer: unknown = await (await askCluster(cluster, `${path}?${query}`, signal)).json();
    // Items of a list do not repeat what they are.
    all.push(...list(answer, "items").map((item) => ({ ...clusterObject(item), kind, apiVersion: "v1" })));
    next = text(answer, "metadata", "continue");
  }
  return all;
}

/** The same out of the server's copy, of what needs attention, where the cluster cannot be asked. */
export function reportedSeenQuery(cluster: ResourcePath, enabled: boolean) {
  return queryOptions({
    queryKey: ["reportedSeen", ...keyOf(cluster)],
    queryFn: async ({ signal }): Promise<Seen> => {
      const ask = async (kind: string, wrong: boolean) => {
        const query = objectsText(clusterId(cluster), { kind, wrong });
        return objectsOf(await runQuery({ query, subscription: cluster.subscriptionId, top: 1000 }, signal));
      };
      const [nodes, pods, events] = await Promise.all([ask("Node", false), ask("Pod", true), ask("Event", true)]);
      return { nodes, pods, events };
    },
    enabled,
  });
}

/** The end of the agent's own log, for the bundle; what cannot be read is said in its place. */
export async function readAgentLog(cluster: ResourcePath, signal: AbortSignal): Promise<string> {
  try {
    const selector = new URLSearchParams({ labelSelector: "app.kubernetes.io/name=bowline-agent", limit: "1" });
    const pods: unknown = await (
      await askCluster(cluster, `/api/v1/namespaces/${NAMESPACE}/pods?${selector}`, signal)
    ).json();
    const pod = text(list(pods, "items")[0], "metadata", "name");
    if (!pod) return `(There is no pod of the agent in ${NAMESPACE}.)`;
    const path = `/api/v1/namespaces/${NAMESPACE}/pods/${encodeURIComponent(pod)}/log?tailLines=${LOG_LINES}`;
    return await (await askCluster(cluster, path, signal, "text/plain, */*")).text();
  } catch (error) {
    return `(It could not be read: ${error instanceof Error ? error.message : "no reason is known"})`;
  }
}
