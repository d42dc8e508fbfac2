/** How far a cluster is on its way: known, connected, reporting. */
import { useQuery } from "@tanstack/react-query";
import { kindCountsQuery } from "../api/cluster-objects";
import { stateOf } from "../api/resource-facts";
import type { Resource } from "../api/resources";
import { clusterId, type ResourcePath } from "../util/path-builder";
import { useLiveResource } from "./use-live";

export interface Connecting {
  resource: Resource | undefined;
  connected: boolean;
  /** How many objects have been reported. */
  objects: number;
}

export function useConnecting(path: ResourcePath): Connecting {
  const live = useLiveResource(clusterId(path));
  const connected = live !== undefined && stateOf(live)?.raw.toLowerCase() === "connected";
  const counts = useQuery({ ...kindCountsQuery(path), enabled: connected });
  const objects = [...(counts.data?.values() ?? [])].reduce((sum, n) => sum + n, 0);
  return { resource: live, connected, objects };
}
