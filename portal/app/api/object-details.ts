/** What the page of one object says: its containers, conditions and owners, read from the object. */
import { at, list, number, text, textMap } from "../util/json";
import { parseTime } from "../util/time";
import type { ClusterObject, ObjectRef } from "./cluster-objects";
import type { ObjectState } from "./kubernetes-facts";

export interface ContainerFacts {
  name: string;
  /** Whether it runs before the others. */
  initial: boolean;
  image?: string;
  state: ObjectState;
  ready: boolean;
  restarts: number;
  /** Why it stopped before, or waits now, in the kubelet's words. */
  message?: string;
  since?: Date;
  /** Whether there was one before, whose log is kept. */
  before: boolean;
  requests: string;
  limits: string;
  ports: string;
}

/** The containers of a pod, or of a template of pods, which have no state. */
export function containersOf({ kind, object }: Pick<ClusterObject, "kind" | "object">): ContainerFacts[] {
  const path = POD_SPECS[kind];
  if (!path) return [];
  const pod = kind === "Pod";
  const kinds = [
    ["initContainers", "initContainerStatuses"],
    ["containers", "containerStatuses"],
    ["ephemeralContainers", "ephemeralContainerStatuses"],
  ] as const;
  return kinds.flatMap(([containers, statuses]) => {
    const known = pod ? list(object, "status", statuses) : [];
    return list(object, ...path, containers).map((container) => {
      const name = text(container, "name") ?? "?";
      const status = known.find((one) => text(one, "name") === name);
      return containerFacts(container, status, containers === "initContainers", pod);
    });
  });
}

const POD_SPECS: Record<string, string[]> = {
  Pod: ["spec"],
  Deployment: ["spec", "template", "spec"],
  StatefulSet: ["spec", "template", "spec"],
  DaemonSet: ["spec", "template", "spec"],
  ReplicaSet: ["spec", "template", "spec"],
  Job: ["spec", "template", "spec"],
  CronJob: ["spec", "jobTemplate", "spec", "template", "spec"],
};

function containerFacts(container: unknown, status: unknown, initial: boolean, pod: boolean): ContainerFacts {
  const last = at(status, "lastState", "terminated");
  const stopped = at(status, "state", "terminated");
  const said = last ?? stopped;
  const waiting = text(status, "state", "waiting", "message");
  const ended = said
    ? `ended with ${text(said, "reason") ?? "no reason"} (exit code ${number(said, "exitCode") ?? "?"})`
    : "";
  const more = text(said, "message");
  const words = [waiting, ended && (last ? `before: ${ended}` : ended), more].filter(Boolean);
  const ports = list(container, "ports").map(
    (port) => `${number(port, "containerPort") ?? "?"}/${text(port, "protocol") ?? "TCP"}`,
  );
  return {
    name: text(container, "name") ?? "?",
    initial,
    image: text(container, "image"),
    state: pod ? containerState(status) : { label: "Template", tone: "neutral" },
    ready: at(status, "ready") === true,
    restarts: number(status, "restartCount") ?? 0,
    message: words.length > 0 ? words.join(" · ") : undefined,
    since: parseTime(text(status, "state", "running", "startedAt") ?? text(stopped, "finishedAt")),
    before: last !== undefined && last !== null,
    requests: amounts(container, "requests"),
    limits: amounts(container, "limits"),
    ports: ports.join(", "),
  };
}

function containerState(status: unknown): ObjectState {
  const waiting = text(status, "state", "waiting", "reason");
  if (waiting)
    return {
      label: waiting,
      tone: waiting === "ContainerCreating" || waiting === "PodInitializing" ? "waiting" : "bad",
    };
  const ended = at(status, "state", "terminated");
  if (ended) {
    const good = number(ended, "exitCode") === 0;
    return { label: text(ended, "reason") ?? "Ended", tone: good ? "neutral" : "bad" };
  }
  if (!at(status, "state", "running")) return { label: "Waiting", tone: "waiting" };
  return at(status, "ready") === true ? { label: "Running", tone: "good" } : { label: "Not ready", tone: "ended" };
}

function amounts(container: unknown, which: string): string {
  const of = textMap(container, "resources", which);
  return ["cpu", "memory"].flatMap((name) => (of[name] ? [`${of[name]} ${name}`] : [])).join(", ");
}

export interface ConditionFacts {
  type: string;
  state: ObjectState;
  reason?: string;
  message?: string;
  since?: Date;
}

/** Conditions whose truth is bad news. */
const BAD_WHEN_TRUE = /Pressure$|Unavailable$|^Failed$|Failure$|^Stalled$|DisruptionTarget/;

export function conditionsOf({ object }: Pick<ClusterObject, "object">): ConditionFacts[] {
  return list(object, "status", "conditions").map((condition) => {
    const type = text(condition, "type") ?? "?";
    const status = text(condition, "status") ?? "Unknown";
    const good = BAD_WHEN_TRUE.test(type) ? status === "False" : status === "True";
    return {
      type,
      state: { label: status, tone: status === "Unknown" ? "ended" : good ? "good" : "bad" },
      reason: text(condition, "reason"),
      message: text(condition, "message"),
      since: parseTime(text(condition, "lastTransitionTime")),
    };
  });
}

export interface Owner extends ObjectRef {
  apiVersion: string;
  controller: boolean;
}

/** Owners lie in the same namespace, or in none. */
export function ownersOf({ object, namespace }: Pick<ClusterObject, "object" | "namespace">): Owner[] {
  return list(object, "metadata", "ownerReferences").flatMap((owner) => {
    const [kind, name] = [text(owner, "kind"), text(owner, "name")];
    if (!kind || !name) return [];
    return [
      {
        kind,
        name,
        namespace: kind === "Node" ? "" : namespace,
        apiVersion: text(owner, "apiVersion") ?? "",
        controller: at(owner, "controller") === true,
      },
    ];
  });
}
