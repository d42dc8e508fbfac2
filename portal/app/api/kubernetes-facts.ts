/** What the cluster's pages say of a Kubernetes object, read from the object as its agent reported it. */
import { at, list, number, text, textMap } from "../util/json";
import { formatBytes, parseBytes } from "../util/quantity";
import { parseTime } from "../util/time";
import type { ClusterObject } from "./cluster-objects";
import { networkFacts, storageFacts } from "./kubernetes-places";
import type { StateTone } from "./resource-facts";

export interface ObjectState {
  label: string;
  tone: StateTone;
}

export interface NodeFacts {
  state: ObjectState;
  roles: string;
  version?: string;
  cpu?: string;
  memory?: string;
  system?: string;
  address?: string;
}

const REPLICATED = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"];
const ROLE_LABEL = "node-role.kubernetes.io/";

export function nodeFacts({ object }: Pick<ClusterObject, "object">): NodeFacts {
  const ready = text(condition(object, "Ready"), "status");
  const cordoned = at(object, "spec", "unschedulable") === true;
  const labels = Object.keys(textMap(object, "metadata", "labels"));
  const memory = text(object, "status", "capacity", "memory");
  const bytes = memory === undefined ? undefined : parseBytes(memory);
  const address = list(object, "status", "addresses").find((a) => text(a, "type") === "InternalIP");
  return {
    state: nodeState(ready, cordoned),
    roles:
      labels
        .filter((l) => l.startsWith(ROLE_LABEL))
        .map((l) => l.slice(ROLE_LABEL.length))
        .join(", ") || "worker",
    version: text(object, "status", "nodeInfo", "kubeletVersion"),
    cpu: text(object, "status", "capacity", "cpu"),
    memory: bytes === undefined ? memory : formatBytes(bytes),
    system: text(object, "status", "nodeInfo", "osImage"),
    address: text(address, "address"),
  };
}

function nodeState(ready: string | undefined, cordoned: boolean): ObjectState {
  if (ready === "True") return cordoned ? { label: "Cordoned", tone: "ended" } : { label: "Ready", tone: "good" };
  if (ready === "False") return { label: "Not ready", tone: "bad" };
  return { label: "Unknown", tone: "ended" };
}

function condition(object: unknown, type: string): unknown {
  return list(object, "status", "conditions").find((c) => text(c, "type") === type);
}

export interface WorkloadFacts {
  state: ObjectState;
  /** As kubectl writes it: what is ready of what is wanted. */
  ready?: string;
  images: string[];
  detail?: string;
  /** Of a pod: how often its containers were started again. */
  restarts?: number;
}

export function workloadFacts({ kind, object }: Pick<ClusterObject, "kind" | "object">): WorkloadFacts {
  if (kind === "Node") return { state: nodeFacts({ object }).state, images: [] };
  if (kind === "Pod") return podFacts(object);
  if (kind === "Job") return jobFacts(object);
  if (kind === "CronJob") return cronJobFacts(object);
  const place = networkFacts(kind, object) ?? storageFacts(kind, object);
  if (place) return { images: [], ...place };
  if (!REPLICATED.includes(kind)) return { state: { label: "Present", tone: "neutral" }, images: [] };
  const daemons = kind === "DaemonSet";
  const wanted = daemons
    ? number(object, "status", "desiredNumberScheduled")
    : (number(object, "spec", "replicas") ?? 1);
  const ready = number(object, "status", daemons ? "numberReady" : "readyReplicas") ?? 0;
  return {
    state: replicaState(wanted ?? 0, ready),
    ready: `${ready}/${wanted ?? 0}`,
    images: images(object, "spec", "template", "spec"),
  };
}

function replicaState(wanted: number, ready: number): ObjectState {
  if (wanted === 0) return { label: "Scaled to zero", tone: "neutral" };
  if (ready >= wanted) return { label: "Ready", tone: "good" };
  return ready === 0 ? { label: "Not ready", tone: "bad" } : { label: "Partly ready", tone: "ended" };
}

function podFacts(object: unknown): WorkloadFacts {
  const statuses = list(object, "status", "containerStatuses");
  const containers = list(object, "spec", "containers").length || statuses.length;
  const ready = statuses.filter((s) => at(s, "ready") === true).length;
  const waiting = statuses.map((s) => text(s, "state", "waiting", "reason")).find((reason) => reason !== undefined);
  return {
    state: podState(text(object, "status", "phase"), waiting, ready === containers),
    ready: `${ready}/${containers}`,
    images: images(object, "spec"),
    detail: text(object, "spec", "nodeName"),
    restarts: statuses.reduce<number>((sum, status) => sum + (number(status, "restartCount") ?? 0), 0),
  };
}

function podState(phase: string | undefined, waiting: string | undefined, allReady: boolean): ObjectState {
  if (waiting !== undefined) return { label: waiting, tone: waiting === "ContainerCreating" ? "waiting" : "bad" };
  if (phase === "Running") return allReady ? { label: "Running", tone: "good" } : { label: "Not ready", tone: "ended" };
  if (phase === "Succeeded") return { label: "Completed", tone: "neutral" };
  if (phase === "Pending") return { label: "Pending", tone: "waiting" };
  return phase === undefined ? { label: "Unknown", tone: "ended" } : { label: phase, tone: "bad" };
}

function jobFacts(object: unknown): WorkloadFacts {
  const done = number(object, "status", "succeeded") ?? 0;
  const wanted = number(object, "spec", "completions") ?? 1;
  const failed = text(condition(object, "Failed"), "status") === "True";
  const state: ObjectState = failed
    ? { label: "Failed", tone: "bad" }
    : done >= wanted
      ? { label: "Completed", tone: "good" }
      : { label: "Running", tone: "waiting" };
  return { state, ready: `${done}/${wanted}`, images: images(object, "spec", "template", "spec") };
}

function cronJobFacts(object: unknown): WorkloadFacts {
  const suspended = at(object, "spec", "suspend") === true;
  return {
    state: suspended ? { label: "Suspended", tone: "neutral" } : { label: "Scheduled", tone: "good" },
    images: images(object, "spec", "jobTemplate", "spec", "template", "spec"),
    detail: text(object, "spec", "schedule"),
  };
}

function images(object: unknown, ...podSpec: string[]): string[] {
  return list(object, ...podSpec, "containers").flatMap((container) => text(container, "image") ?? []);
}

export interface EventFacts {
  state: ObjectState;
  reason?: string;
  /** What it is about, in words; `aboutKind` and `aboutName` are the same apart. */
  about: string;
  aboutKind?: string;
  aboutName?: string;
  message?: string;
  times: number;
  last?: Date;
}

/** Reads events of both groups: core's (`involvedObject`, `message`) and `events.k8s.io`'s (`regarding`, `note`). */
export function eventFacts({ object }: Pick<ClusterObject, "object">): EventFacts {
  const about = at(object, "involvedObject") ?? at(object, "regarding");
  const type = text(object, "type") ?? "Normal";
  const last =
    text(object, "series", "lastObservedTime") ??
    text(object, "lastTimestamp") ??
    text(object, "deprecatedLastTimestamp") ??
    text(object, "eventTime") ??
    text(object, "metadata", "creationTimestamp");
  return {
    state: { label: type, tone: type === "Warning" ? "ended" : "neutral" },
    reason: text(object, "reason"),
    about: [text(about, "kind"), text(about, "name")].filter(Boolean).join(" "),
    aboutKind: text(about, "kind"),
    aboutName: text(about, "name"),
    message: text(object, "message") ?? text(object, "note"),
    times: number(object, "series", "count") ?? number(object, "count") ?? number(object, "deprecatedCount") ?? 1,
    last: parseTime(last),
  };
}

export function createdAt({ object }: Pick<ClusterObject, "object">): Date | undefined {
  return parseTime(text(object, "metadata", "creationTimestamp"));
}
