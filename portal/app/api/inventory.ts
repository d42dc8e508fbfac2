/** A cluster's Kubernetes objects, from the server's copy of what the agent reported: the cluster is not asked. */
import { infiniteQueryOptions } from "@tanstack/react-query";
import type { ResourcePath } from "../util/path-builder";
import { kubernetesObjectsList } from "./__generated__/operations";
import type { KubernetesObject, KubernetesObjectList } from "./__generated__/types";
import { call, followPage } from "./http";

export type { KubernetesObject };

const PAGE_SIZE = 200;
const REFRESH_MILLISECONDS = 10_000;
// A refresh reads every loaded page again; someone who has gone this deep refreshes by hand.
const PAGES_REFRESHED_AT_MOST = 3;

export function kubernetesObjectsQuery(cluster: ResourcePath, kind: string, namespace?: string) {
  const { subscriptionId, resourceGroupName, name } = cluster;
  return infiniteQueryOptions({
    queryKey: ["kubernetesObjects", subscriptionId, resourceGroupName, name, kind, namespace ?? ""],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }): Promise<KubernetesObjectList> =>
      pageParam
        ? followPage<KubernetesObjectList>(pageParam, signal)
        : call(kubernetesObjectsList, {
            path: { subscriptionId, resourceGroupName, clusterName: name },
            query: { kind, namespace, $top: PAGE_SIZE },
            signal,
          }),
    getNextPageParam: (page) => page.nextLink,
    refetchInterval: (query) =>
      (query.state.data?.pages.length ?? 0) <= PAGES_REFRESHED_AT_MOST ? REFRESH_MILLISECONDS : false,
  });
}
