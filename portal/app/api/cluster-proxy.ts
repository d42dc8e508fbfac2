/**
 * A cluster's own API, through the tunnel of its agent, as the person who is signed in: the cluster's rules decide. The
 * portal only reads there. Every request carries the portal's header, by which the server knows that a page of the portal
 * asks and not a link.
 */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { at, list, text } from "../util/json";
import { clusterId, type ResourcePath } from "../util/path-builder";
import { type ClusterObject, clusterObject, type ObjectRef } from "./cluster-objects";
import { ApiError } from "./http";
import { objectKind } from "./object-kinds";

/** What the cluster refused in its own words, or why it could not be asked. */
export class ClusterError extends ApiError {
  /** Whether the cluster answered, and not Bowline. */
  readonly byCluster: boolean;
  constructor(status: number, code: string, message: string, correlationId?: string) {
    super(status, code, message, [], correlationId);
    this.name = "ClusterError";
    this.byCluster = !/\([A-Z][A-Za-z]+\)$/.test(message) && status !== 0;
  }
}

/** Asks; gives the answer with its body not read yet, or throws what it says. */
export async function askCluster(
  cluster: ResourcePath,
  path: string,
  signal: AbortSignal,
  accept = "application/json",
): Promise<Response> {
  const address = `${clusterId(cluster).split("/").map(encodeURIComponent).join("/")}/proxy${path}`;
  const response = await fetch(address, {
    headers: { Accept: accept, "X-Bowline-Portal": "1" },
    credentials: "same-origin",
    redirect: "error",
    signal,
  }).catch((cause: unknown) => {
    if (signal.aborted) throw cause;
    throw new ClusterError(0, "ServerUnreachable", "The Bowline server did not answer.");
  });
  if (response.ok) return response;
  throw await refusal(response);
}

async function refusal(response: Response): Promise<ClusterError> {
  const body: unknown = await response.json().catch(() => undefined);
  const message = text(body, "message") ?? text(body, "error", "message") ?? `The answer was ${response.status}.`;
  // Bowline's own refusals carry their code at the end; Kubernetes has a word of its own.
  const code = /\(([A-Z][A-Za-z]+)\)$/.exec(message)?.[1] ?? text(body, "reason") ?? `Http${response.status}`;
  return new ClusterError(
    response.status,
    code,
    message,
    response.headers.get("x-ms-correlation-request-id") ?? undefined,
  );
}

/** Where the API has an object; undefined for kinds that the portal does not know. */
export function pathOf({ kind, namespace, name }: ObjectRef): string | undefined {
  const known = objectKind(kind);
  if (!known) return undefined;
  const inside = namespace && !known.clusterWide ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${known.api}${inside}/${known.plural}${name ? `/${encodeURIComponent(name)}` : ""}`;
}

// Of a Secret only what is around its contents.
const METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/** An object as it is in the cluster now. */
export function liveObjectQuery(cluster: ResourcePath, ref: ObjectRef) {
  const path = pathOf(ref);
  return queryOptions({
    queryKey: ["liveObject", cluster.subscriptionId, cluster.resourceGroupName, cluster.name, ref],
    queryFn: async ({ signal }): Promise<ClusterObject> => {
      const accept = ref.kind === "Secret" ? METADATA : undefined;
      const response = await askCluster(cluster, path ?? "", signal, accept);
      const answer: unknown = await response.json();
      const found = clusterObject(ref.kind === "Secret" ? withoutAnnotations(answer) : answer);
      return { ...found, kind: ref.kind };
    },
    enabled: path !== undefined,
    // Asking is somebody's use of the cluster: again when the reader wants it.
    refetchOnWindowFocus: false,
    retry: false,
  });
}

/** `kubectl apply` repeats in one of them all that it applied, contents of secrets too. */
export function withoutAnnotations(object: unknown): unknown {
  const { annotations: _, ...metadata } = (at(object, "metadata") ?? {}) as Record<string, unknown>;
  return { ...(object as object), metadata };
}

export interface NamePage {
  names: NamedObject[];
  next: string | undefined;
}
export interface NamedObject extends ClusterObject {
  /** What the cluster's own table says besides name and age. */
  cells: Record<string, string>;
}

const TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1";
const NAMES_AT_ONCE = 200;

/** A kind that agents do not watch, as a table of the cluster's own: names, and nothing of what is inside. */
export function liveNamesQuery(cluster: ResourcePath, kind: string, namespace: string | undefined) {
  const path = pathOf({ kind, namespace: namespace ?? "", name: "" }) ?? "";
  return infiniteQueryOptions({
    queryKey: ["liveNames", cluster.subscriptionId, cluster.resourceGroupName, cluster.name, kind, namespace ?? ""],
    initialPageParam: "",
    queryFn: async ({ pageParam, signal }): Promise<NamePage> => {
      const query = new URLSearchParams({
        limit: String(NAMES_AT_ONCE),
        ...(pageParam ? { continue: pageParam } : {}),
      });
      const response = await askCluster(cluster, `${path}?${query}`, signal, TABLE);
      return namesOf(await response.json(), kind);
    },
    getNextPageParam: (page) => page.next,
    refetchOnWindowFocus: false,
    retry: false,
  });
}

export function namesOf(table: unknown, kind: string): NamePage {
  const columns = list(table, "columnDefinitions").map((column) => text(column, "name") ?? "");
  const names = list(table, "rows").map((row) => {
    const cells = Object.fromEntries(list(row, "cells").map((cell, index) => [columns[index] ?? "", String(cell)]));
    return { ...clusterObject(withoutAnnotations(at(row, "object"))), kind, cells };
  });
  return { names, next: text(table, "metadata", "continue") };
}

export interface LogWish {
  namespace: string;
  pod: string;
  container?: string;
  previous: boolean;
  follow: boolean;
  lines: number;
}

export function logPath({ namespace, pod, container, previous, follow, lines }: LogWish): string {
  const query = new URLSearchParams({
    tailLines: String(lines),
    timestamps: "true",
    ...(container ? { container } : {}),
    ...(previous ? { previous: "true" } : {}),
    ...(follow && !previous ? { follow: "true" } : {}),
  });
  return `${pathOf({ kind: "Pod", namespace, name: pod })}/log?${query}`;
}

/** Reads a text as it comes, until its end or until nobody wants it any more. */
export async function readText(response: Response, onText: (text: string) => void): Promise<void> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  if (!reader) return;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    onText(decoder.decode(value, { stream: true }));
  }
  onText(decoder.decode());
}
