// Generated from scripts/draft-openapi.json by scripts/generate-api.mjs. Do not edit: run `npm run gen:api`.
import type * as types from "./types";

/** One operation of the API. */
export interface Operation<Shape extends { path: object; query: object; body: unknown; answer: unknown }> {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly apiVersion: string | undefined;
  /** Never set: it carries the types of path, query, body and answer. */
  readonly shape?: Shape;
}

export type ShapeOf<O> = O extends Operation<infer Shape> ? Shape : never;

/** End the portal session. */
export const portalSessionSignOut: Operation<{
  path: Record<never, never>;
  query: Record<never, never>;
  body: undefined;
  answer: undefined;
}> = {
  id: "PortalSession_SignOut",
  method: "POST",
  path: "/portal/logout",
  apiVersion: undefined,
};

/** One connected cluster. */
export const connectedClustersGet: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; connectedClusterName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.ConnectedCluster;
}> = {
  id: "ConnectedClusters_Get",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Kubernetes/connectedClusters/{connectedClusterName}",
  apiVersion: "2026-05-01",
};

/** One machine. */
export const machinesGet: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; machineName: string };
  query: Record<never, never>;
  body: undefined;
  answer: types.Machine;
}> = {
  id: "Machines_Get",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.HybridCompute/machines/{machineName}",
  apiVersion: "2026-07-15",
};

/** Server-sent events of the resources in a subscription. */
export const eventsStream: Operation<{
  path: { subscriptionId: string };
  query: { cursor?: string };
  body: undefined;
  answer: undefined;
}> = {
  id: "Events_Stream",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/providers/Microsoft.Bowline/events",
  apiVersion: "2026-11-01",
};

/** The subscriptions the caller may read. */
export const subscriptionsList: Operation<{
  path: Record<never, never>;
  query: Record<never, never>;
  body: undefined;
  answer: types.SubscriptionList;
}> = {
  id: "Subscriptions_List",
  method: "GET",
  path: "/subscriptions",
  apiVersion: "2022-12-01",
};

/** What the cluster's agent last reported, from the server's copy. */
export const kubernetesObjectsList: Operation<{
  path: { subscriptionId: string; resourceGroupName: string; clusterName: string };
  query: { kind?: string; namespace?: string; name?: string; "$top"?: number };
  body: undefined;
  answer: types.KubernetesObjectList;
}> = {
  id: "KubernetesObjects_List",
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Kubernetes/connectedClusters/{clusterName}/providers/Microsoft.Bowline/kubernetesObjects",
  apiVersion: "2026-11-01",
};

/** Who is signed in to the portal. */
export const portalSessionGet: Operation<{
  path: Record<never, never>;
  query: Record<never, never>;
  body: undefined;
  answer: types.PortalSession;
}> = {
  id: "PortalSession_Get",
  method: "GET",
  path: "/portal/session",
  apiVersion: undefined,
};
