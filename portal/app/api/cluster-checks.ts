/** What is wrong inside of a cluster, read from its nodes, pods and warnings: causes that people know, with their fixes. Pure. */
import { at, list, number, text } from "../util/json";
import type { ClusterObject, ObjectRef } from "./cluster-objects";
import { eventFacts, nodeFacts } from "./kubernetes-facts";
import type { StateTone } from "./resource-facts";

export interface Seen {
  nodes: ClusterObject[];
  pods: ClusterObject[];
  /** Warnings only. */
  events: ClusterObject[];
}

export interface Problem {
  at: ObjectRef;
  says: string;
}

export interface Check {
  title: string;
  tone: StateTone;
  says: string;
  fix?: string;
  problems: Problem[];
}

/** Problems that are listed of one check; the number of all is in its words. */
const MOST_LISTED = 20;

export function checksOf(seen: Seen): Check[] {
  return [nodes(seen), pending(seen), crashes(seen), pulls(seen), quotas(seen)];
}

function check(title: string, problems: Problem[], good: string, bad: string, fix: string): Check {
  if (problems.length === 0) return { title, tone: "good", says: good, problems };
  const says = `${bad}: ${problems.length.toLocaleString("en")}.`;
  return { title, tone: "bad", says, fix, problems: problems.slice(0, MOST_LISTED) };
}

const refOf = ({ kind, namespace, name }: ClusterObject): ObjectRef => ({ kind, namespace, name });

function nodes({ nodes }: Seen): Check {
  const problems = nodes.flatMap((node): Problem[] => {
    const { state } = nodeFacts(node);
    const pressures = list(node.object, "status", "conditions").filter(
      (one) => /Pressure$|Unavailable$/.test(text(one, "type") ?? "") && text(one, "status") === "True",
    );
    const ready = list(node.object, "status", "conditions").find((one) => text(one, "type") === "Ready");
    const bad =
      state.tone === "good" || state.label === "Cordoned"
        ? []
        : [`${state.label}: ${text(ready, "message") ?? "no word"}`];
    const words = [...bad, ...pressures.map((one) => text(one, "type") ?? "")];
    return words.length > 0 ? [{ at: refOf(node), says: words.join("; ") }] : [];
  });
  const good = nodes.length === 0 ? "No node is known." : `Every one is ready (${nodes.length}).`;
  const result = check(
    "Nodes",
    problems,
    good,
    `Of ${nodes.length} with something wrong`,
    "A kubelet that does not report is off, cut off, or out of memory or disk: look at the machine.",
  );
  return nodes.length === 0 ? { ...result, tone: "ended" } : result;
}

function pending({ pods }: Seen): Check {
  const problems = pods.flatMap((pod): Problem[] => {
    if (text(pod.object, "status", "phase") !== "Pending") return [];
    const scheduled = list(pod.object, "status", "conditions").find((one) => text(one, "type") === "PodScheduled");
    if (text(scheduled, "status") !== "False") return [];
    return [{ at: refOf(pod), says: text(scheduled, "message") ?? "no node was chosen" }];
  });
  return check(
    "Pending pods",
    problems,
    "Every pod has found its node.",
    "Without a node",
    "The message says what is missing on which nodes: processor or memory (ask for less, or add a node), a taint that is not tolerated, a volume in another zone.",
  );
}

function waiting(pod: ClusterObject, reasons: RegExp): Problem[] {
  const statuses = [
    ...list(pod.object, "status", "initContainerStatuses"),
    ...list(pod.object, "status", "containerStatuses"),
  ];
  return statuses.flatMap((status): Problem[] => {
    const reason = text(status, "state", "waiting", "reason") ?? "";
    if (!reasons.test(reason)) return [];
    const last = at(status, "lastState", "terminated");
    const ended = last
      ? `ended with ${text(last, "reason") ?? "an error"} (exit code ${number(last, "exitCode") ?? "?"})`
      : "";
    const restarts = number(status, "restartCount") ?? 0;
    const words = [
      `${text(status, "name") ?? "?"}: ${reason}`,
      restarts > 0 ? `${restarts} restarts` : "",
      ended,
      text(status, "state", "waiting", "message") ?? "",
    ];
    return [{ at: refOf(pod), says: words.filter(Boolean).join(", ") }];
  });
}

function crashes({ pods }: Seen): Check {
  const problems = pods.flatMap((pod) => waiting(pod, /^CrashLoopBackOff$|^RunContainerError$|^CreateContainer/));
  const memory = problems.some(({ says }) => says.includes("OOMKilled"));
  return check(
    "Crash loops",
    problems,
    "No container ends again and again.",
    "Containers that end again and again",
    memory
      ? "OOMKilled: the container needs more than its limit of memory. Of the others the log before the last restart says why."
      : "The log before the last restart says why: open the pod, Logs, Before the last restart.",
  );
}

function pulls({ pods }: Seen): Check {
  const problems = pods.flatMap((pod) => waiting(pod, /ImagePull|^ErrImage|InvalidImageName|ImageInspectError/));
  return check(
    "Image pulls",
    problems,
    "Every image was found.",
    "Containers that wait for their image",
    "The name or tag is wrong, the registry asks for a secret (imagePullSecrets), or the nodes cannot reach it.",
  );
}

function quotas({ events }: Seen): Check {
  const problems = events.flatMap((event): Problem[] => {
    const { message = "", aboutKind = "Event", aboutName = event.name } = eventFacts(event);
    if (!/exceeded quota|forbidden: .*quota/i.test(message)) return [];
    return [{ at: { kind: aboutKind, namespace: event.namespace, name: aboutName }, says: message }];
  });
  return check(
    "Quotas",
    problems,
    "No quota was exceeded lately.",
    "Refused because of a quota",
    "Raise the namespace's ResourceQuota, or ask for less.",
  );
}
