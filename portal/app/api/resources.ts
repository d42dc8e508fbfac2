/** One resource, read by its page when the live list does not hold it (yet). */
import { queryOptions } from "@tanstack/react-query";
import type { ResourcePath } from "../util/path-builder";
import { connectedClustersGet, machinesGet } from "./__generated__/operations";
import type { Resource as GeneratedResource } from "./__generated__/types";
import { call } from "./http";

/** A resource of any type, as GET in its newest api-version returns it. */
export type Resource = Omit<GeneratedResource, "properties"> & { properties?: unknown };

export function clusterQuery({ subscriptionId, resourceGroupName, name }: ResourcePath) {
  return queryOptions({
    queryKey: ["cluster", subscriptionId, resourceGroupName, name],
    queryFn: ({ signal }): Promise<Resource> =>
      call(connectedClustersGet, { path: { subscriptionId, resourceGroupName, connectedClusterName: name }, signal }),
  });
}

export function machineQuery({ subscriptionId, resourceGroupName, name }: ResourcePath) {
  return queryOptions({
    queryKey: ["machine", subscriptionId, resourceGroupName, name],
    queryFn: ({ signal }): Promise<Resource> =>
      call(machinesGet, { path: { subscriptionId, resourceGroupName, machineName: name }, signal }),
  });
}
