/**
 * Every link of the portal is built here, so that a route's shape is written once. Paths are relative to the portal's
 * base (`/portal`), which the router adds; the three that leave the application carry it themselves.
 */
import { parseResourceId } from "./resource-id";

export const BASE = "/portal";
export const CLUSTER_TYPE = "Microsoft.Kubernetes/connectedClusters";
export const MACHINE_TYPE = "Microsoft.HybridCompute/machines";

export interface SubscriptionPath {
  subscriptionId: string;
}
export interface ResourcePath extends SubscriptionPath {
  resourceGroupName: string;
  name: string;
}
export type ClusterTab = "overview" | "nodes" | "workloads" | "events" | "diagnose";
/** One Kubernetes object of a cluster. */
export interface ObjectPath {
  kind: string;
  namespace: string;
  name: string;
}
/** Stands in an address for the namespace of what lies in none; no namespace can be called so. */
export const NO_NAMESPACE = "-";

const segment = encodeURIComponent;
const inGroup = (p: ResourcePath) =>
  `/subscriptions/${segment(p.subscriptionId)}/resourceGroups/${segment(p.resourceGroupName)}`;

export const paths = {
  home: () => "/",
  signedOut: () => "/signed-out",
  query: () => "/query",
  resources: (p: SubscriptionPath) => `/subscriptions/${segment(p.subscriptionId)}/resources`,
  /** A resource whose type has no page of its own. */
  resource: (id: string) =>
    id
      .split("/")
      .map(segment)
      .join("/")
      .replace(/^(\/[^/]+\/[^/]+)/, "$1/resource"),
  cluster: (p: ResourcePath, tab: ClusterTab = "overview") =>
    `${inGroup(p)}/clusters/${segment(p.name)}${tab === "overview" ? "" : `/${tab}`}`,
  object: (p: ResourcePath, { kind, namespace, name }: ObjectPath) =>
    `${inGroup(p)}/clusters/${segment(p.name)}/workloads/${[kind, namespace || NO_NAMESPACE, name].map(segment).join("/")}`,
  connectCluster: (p: SubscriptionPath) => `/subscriptions/${segment(p.subscriptionId)}/connect-cluster`,
  server: (p: ResourcePath) => `${inGroup(p)}/servers/${segment(p.name)}`,
};

/** A query as an address that can be given to somebody else. */
export function queryAddress(query: string, scope?: string): string {
  const search = new URLSearchParams({ q: query, ...(scope ? { scope } : {}) });
  return `${BASE}${paths.query()}?${search}`;
}

/** Where the browser goes to sign in; it comes back to `returnTo`, a path with the base. */
export function signInAddress(returnTo: string): string {
  return `${BASE}/login?return=${segment(returnTo)}`;
}

/** The page of a resource, chosen by its type. */
export function pageOf(id: string): string | undefined {
  const parts = parseResourceId(id);
  if (!parts) return undefined;
  const { subscriptionId, resourceGroupName, name } = parts;
  const type = parts.type?.toLowerCase();
  if (resourceGroupName && type === CLUSTER_TYPE.toLowerCase()) {
    return paths.cluster({ subscriptionId, resourceGroupName, name });
  }
  if (resourceGroupName && type === MACHINE_TYPE.toLowerCase()) {
    return paths.server({ subscriptionId, resourceGroupName, name });
  }
  return paths.resource(id);
}

export function clusterId(p: ResourcePath): string {
  return armId(p, CLUSTER_TYPE);
}

export function machineId(p: ResourcePath): string {
  return armId(p, MACHINE_TYPE);
}

function armId(p: ResourcePath, type: string): string {
  return `/subscriptions/${p.subscriptionId}/resourceGroups/${p.resourceGroupName}/providers/${type}/${p.name}`;
}
