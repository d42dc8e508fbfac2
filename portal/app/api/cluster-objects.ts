/**
 * A cluster's Kubernetes objects as its agent reported them last, asked in KQL: the cluster is not asked, and who may
 * see one namespace sees what is in it. Every list is read again every few seconds, as long as somebody looks at it.
 */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { type Json, text, textMap } from "../util/json";
import { literal } from "../util/kql";
import { clusterId, type ResourcePath } from "../util/path-builder";
import { kubernetesObjectsList } from "./__generated__/operations";
import { ApiError, call } from "./http";
import { objectKind } from "./object-kinds";
import { type QueryPage, runQuery } from "./query";

/** An object as the pages know it, whether it comes from the server or from the cluster. */
export interface ClusterObject {
  uid: string;
  apiVersion: string;
  kind: string;
  /** Empty where it lies in none. */
  namespace: string;
  name: string;
  object: Json;
}

export interface ObjectRef {
  kind: string;
  namespace: string;
  name: string;
}

export interface ObjectFilter {
  kind: string;
  namespace?: string;
  /** Words that name, namespace or labels must all hold. */
  q?: string;
  /** Only what needs attention. */
  wrong?: boolean;
  /** A word of `ORDERS`, with `-` before it for downwards. */
  sort?: string;
}

const PAGE_SIZE = 200;
const REFRESH_MILLISECONDS = 5_000;
// A refresh reads every loaded page again; someone who has gone this deep refreshes by hand.
const PAGES_REFRESHED_AT_MOST = 3;
const MOST_RELATED = 200;
const MOST_EVENTS = 100;
const SHOWN = "uid, apiVersion, kind, namespace, name, object";
const LAST =
  "coalesce(todatetime(object.series.lastObservedTime), todatetime(object.lastTimestamp), todatetime(object.eventTime), creationTimestamp)";

/** What a list can be ordered by. Each ends in a key of its own, so that pages do not overlap. */
const ORDERS: Record<string, (direction: string) => string> = {
  name: (direction) => `name ${direction}, namespace asc, uid asc`,
  namespace: (direction) => `namespace ${direction}, name asc, uid asc`,
  age: (direction) => `created ${direction === "asc" ? "desc" : "asc"}, uid asc`,
  last: (direction) => `last ${direction}, uid asc`,
};

export function sortable(column: string): boolean {
  return column in ORDERS;
}

export function objectsText(id: string, { kind, namespace, q, wrong, sort }: ObjectFilter): string {
  const events = kind === "Event";
  const asked = sort?.replace(/^-/, "") ?? (events ? "last" : "name");
  const order = ORDERS[asked] ?? ORDERS.name;
  const down = sort ? sort.startsWith("-") : events;
  return [
    ...conditions(id, { kind, namespace, q, wrong }),
    `| extend created = creationTimestamp${events ? `, last = ${LAST}` : ""}`,
    `| order by ${order?.(down ? "desc" : "asc")}`,
    `| project ${SHOWN}, created${events ? ", last" : ""}`,
  ].join("\n");
}

/** How many there are in all, and how many need attention. */
export function totalsText(id: string, filter: ObjectFilter): string {
  const wrong = objectKind(filter.kind)?.wrong ?? "false";
  return [
    ...conditions(id, { ...filter, wrong: false }),
    `| summarize total = count(), wrong = countif(${wrong})`,
  ].join("\n");
}

function conditions(id: string, { kind, namespace, q, wrong }: ObjectFilter): string[] {
  const words = (q ?? "").split(/\s+/).filter(Boolean);
  const condition = objectKind(kind)?.wrong ?? "false";
  return [
    `${inCluster(id)} and kind == ${literal(kind)}`,
    ...(namespace ? [`| where namespace == ${literal(namespace)}`] : []),
    ...words.map((word) => {
      const about = kind === "Event" ? "object.involvedObject, object.regarding, object.reason" : "labels";
      const places = about.split(", ").map((place) => `tostring(${place}) contains ${literal(word)}`);
      return `| where name contains ${literal(word)} or namespace contains ${literal(word)} or ${places.join(" or ")}`;
    }),
    ...(wrong ? [`| where ${condition}`] : []),
  ];
}

function inCluster(id: string): string {
  return `KubernetesObjects\n| where clusterId =~ ${literal(id)}`;
}

/**
 * What an object owns and the pods that this owns in turn; of a node the pods on it, of a service those that it chooses.
 * Undefined when there can be none.
 */
export function relatedText(id: string, { kind, namespace, name, uid, object }: ClusterObject): string | undefined {
  const end = `| project ${SHOWN}\n| order by kind asc, namespace asc, name asc, uid asc`;
  const pods = `${inCluster(id)} and kind == 'Pod'`;
  if (kind === "Node") return `${pods} and tostring(spec.nodeName) == ${literal(name)}\n${end}`;
  if (kind === "Service") {
    const chosen = Object.entries(textMap(object, "spec", "selector"));
    if (chosen.length === 0) return undefined;
    const labels = chosen.map(([key, value]) => `tostring(labels[${literal(key)}]) == ${literal(value)}`);
    return `${pods} and namespace == ${literal(namespace)}\n| where ${labels.join(" and ")}\n${end}`;
  }
  if (uid === "") return undefined;
  return [
    `let here = ${inCluster(id).replace("\n", " ")};`,
    `let owned = here | where tostring(ownerReferences) contains_cs ${literal(uid)};`,
    "let below = here | where kind == 'Pod' | where tostring(ownerReferences[0].uid) in (owned | project uid);",
    `union (owned | project ${SHOWN}), (below | project ${SHOWN})`,
    "| order by kind asc, namespace asc, name asc, uid asc",
  ].join("\n");
}

export function eventsText(id: string, { kind, namespace, name }: ObjectRef): string {
  const about = (member: string) =>
    `(tostring(object.${member}.kind) == ${literal(kind)} and tostring(object.${member}.name) == ${literal(name)})`;
  return [
    `${inCluster(id)} and kind == 'Event'`,
    ...(namespace ? [`| where namespace == ${literal(namespace)}`] : []),
    `| where ${about("involvedObject")} or ${about("regarding")}`,
    `| extend last = ${LAST}`,
    "| order by last desc, uid asc",
    `| project ${SHOWN}, last`,
  ].join("\n");
}

/** How many objects there are, and when the newest of them was made or changed. */
export function reportText(id: string): string {
  return `${inCluster(id)}\n| extend last = iff(kind == 'Event', ${LAST}, creationTimestamp)\n| summarize objects = count(), newest = max(last)`;
}

export function objectText(id: string, { kind, namespace, name }: ObjectRef): string {
  return [
    `${inCluster(id)} and kind == ${literal(kind)} and namespace == ${literal(namespace)} and name == ${literal(name)}`,
    `| project ${SHOWN}`,
  ].join("\n");
}

/** The members of each row by the names of the columns. */
export function objectsOf({ columns, rows }: Pick<QueryPage, "columns" | "rows">): ClusterObject[] {
  const at = (name: string) => columns.findIndex((column) => column.name === name);
  const [uid, apiVersion, kind, namespace, name, object] = SHOWN.split(", ").map(at);
  return rows.map((row) => ({
    uid: String(row[uid ?? -1] ?? ""),
    apiVersion: String(row[apiVersion ?? -1] ?? ""),
    kind: String(row[kind ?? -1] ?? ""),
    namespace: String(row[namespace ?? -1] ?? ""),
    name: String(row[name ?? -1] ?? ""),
    object: row[object ?? -1],
  }));
}

function ask(cluster: ResourcePath, query: string, signal: AbortSignal, top = 1000, token?: string) {
  return runQuery({ query, subscription: cluster.subscriptionId, top, token }, signal);
}

const keyOf = ({ subscriptionId, resourceGroupName, name }: ResourcePath) => [subscriptionId, resourceGroupName, name];

export interface ObjectPage {
  objects: ClusterObject[];
  total: number;
  next: string | undefined;
}

export function objectsQuery(cluster: ResourcePath, filter: ObjectFilter) {
  return infiniteQueryOptions({
    queryKey: ["clusterObjects", ...keyOf(cluster), filter],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam, signal }): Promise<ObjectPage> => {
      const page = await ask(cluster, objectsText(clusterId(cluster), filter), signal, PAGE_SIZE, pageParam);
      return { objects: objectsOf(page), total: page.total, next: page.next };
    },
    getNextPageParam: (page) => page.next,
    // The list that was there stays until the next is; otherwise it would blink with every letter of the filter.
    placeholderData: (before) => before,
    refetchInterval: (query) =>
      (query.state.data?.pages.length ?? 0) <= PAGES_REFRESHED_AT_MOST ? REFRESH_MILLISECONDS : false,
  });
}

export function totalsQuery(cluster: ResourcePath, filter: ObjectFilter) {
  return queryOptions({
    queryKey: ["objectTotals", ...keyOf(cluster), filter.kind, filter.namespace, filter.q],
    queryFn: async ({ signal }): Promise<{ total: number; wrong: number }> => {
      const { rows } = await ask(cluster, totalsText(clusterId(cluster), filter), signal);
      return { total: Number(rows[0]?.[0] ?? 0), wrong: Number(rows[0]?.[1] ?? 0) };
    },
    placeholderData: (before) => before,
    refetchInterval: REFRESH_MILLISECONDS,
  });
}

/** How many of each kind the server knows. */
export function kindCountsQuery(cluster: ResourcePath) {
  return queryOptions({
    queryKey: ["kindCounts", ...keyOf(cluster)],
    queryFn: async ({ signal }): Promise<Map<string, number>> => {
      const query = `${inCluster(clusterId(cluster))}\n| summarize objects = count() by kind`;
      const { rows, columns } = await ask(cluster, query, signal);
      const kind = columns.findIndex(({ name }) => name === "kind");
      return new Map(rows.map((row) => [String(row[kind]), Number(row[1 - kind])]));
    },
    refetchInterval: 2 * REFRESH_MILLISECONDS,
  });
}

export function namespacesQuery(cluster: ResourcePath) {
  return queryOptions({
    queryKey: ["namespaces", ...keyOf(cluster)],
    queryFn: async ({ signal }): Promise<string[]> => {
      const query = `${inCluster(clusterId(cluster))} and namespace != ''\n| distinct namespace\n| order by namespace asc`;
      return (await ask(cluster, query, signal)).rows.map((row) => String(row[0]));
    },
    staleTime: 30_000,
  });
}

export function objectQuery(cluster: ResourcePath, ref: ObjectRef) {
  return queryOptions({
    queryKey: ["clusterObject", ...keyOf(cluster), ref],
    queryFn: async ({ signal }): Promise<ClusterObject | null> =>
      objectsOf(await ask(cluster, objectText(clusterId(cluster), ref), signal))[0] ?? null,
    refetchInterval: REFRESH_MILLISECONDS,
  });
}

export function relatedQuery(cluster: ResourcePath, object: ClusterObject) {
  const query = relatedText(clusterId(cluster), object);
  return queryOptions({
    queryKey: ["relatedObjects", ...keyOf(cluster), query],
    queryFn: async ({ signal }): Promise<{ objects: ClusterObject[]; total: number }> => {
      const page = await ask(cluster, query ?? "", signal, MOST_RELATED);
      return { objects: objectsOf(page), total: page.total };
    },
    enabled: query !== undefined,
    refetchInterval: REFRESH_MILLISECONDS,
  });
}

export function objectEventsQuery(cluster: ResourcePath, ref: ObjectRef) {
  return queryOptions({
    queryKey: ["objectEvents", ...keyOf(cluster), ref],
    queryFn: async ({ signal }): Promise<ClusterObject[]> =>
      objectsOf(await ask(cluster, eventsText(clusterId(cluster), ref), signal, MOST_EVENTS)),
    refetchInterval: REFRESH_MILLISECONDS,
  });
}

/**
 * Why a cluster has no objects in any answer: a query leaves out what one may not see, and says no more. Undefined when
 * they may be seen, and there are none.
 */
export function refusalQuery(cluster: ResourcePath) {
  const { subscriptionId, resourceGroupName, name } = cluster;
  return queryOptions({
    queryKey: ["objectsRefused", ...keyOf(cluster)],
    queryFn: async ({ signal }): Promise<ApiError | null> => {
      const path = { subscriptionId, resourceGroupName, clusterName: name };
      try {
        await call(kubernetesObjectsList, { path, query: { $top: 1 }, signal });
        return null;
      } catch (error) {
        if (error instanceof ApiError && error.status === 403) return error;
        throw error;
      }
    },
  });
}

/** An object as the cluster's own API gives it. */
export function clusterObject(object: Json): ClusterObject {
  return {
    uid: text(object, "metadata", "uid") ?? "",
    apiVersion: text(object, "apiVersion") ?? "",
    kind: text(object, "kind") ?? "",
    namespace: text(object, "metadata", "namespace") ?? "",
    name: text(object, "metadata", "name") ?? "",
    object,
  };
}
