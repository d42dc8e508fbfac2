/** What the server knows of a cluster's agent, explained: what is so, why probably, and what to do. Pure. */
import { list, number, text } from "../util/json";
import { count } from "../util/quantity";
import { formatRelative, parseTime } from "../util/time";
import type { StateTone } from "./resource-facts";
import type { Resource } from "./resources";

export interface Finding {
  /** What it is about; one finding each. */
  about: string;
  tone: StateTone;
  says: string;
  why?: string;
  fix?: string;
  /** To run where kubectl or bowline are. */
  command?: string;
}

export interface Known {
  cluster: Resource;
  now: Date;
  /** Of the server, where the caller may know it. */
  serverVersion?: string;
  /** How many objects the agent has reported; undefined when they may not be seen. */
  objects?: number;
  /** When the newest of them changed or was made. */
  newest?: Date;
}

const DAY = 86_400_000;
/** An identity of 90 days is renewed from half of its life: this near to its end, renewing does not work. */
const EXPIRES_SOON = 30 * DAY;
const QUIET = DAY;

const POD = "kubectl -n bowline-system get pods,events";
const LOG = "kubectl -n bowline-system logs deployment/bowline-agent --tail=50";

export function findingsOf(known: Known): Finding[] {
  return [session(known), identity(known), version(known), ...complaints(known), inventory(known)].filter(
    (finding) => finding !== undefined,
  );
}

function session({ cluster, now }: Known): Finding {
  const state = text(cluster.properties, "connectivityStatus") ?? "Unknown";
  const at = parseTime(text(cluster.properties, "lastConnectivityTime"));
  const ago = at ? formatRelative(at, now) : "never";
  const about = "Session";
  if (state === "Connected") return { about, tone: "good", says: `The agent is connected, since ${ago}.` };
  if (state === "Connecting" || state === "AgentNotInstalled") {
    return {
      about,
      tone: "waiting",
      says: "The cluster is registered, and its agent has not connected yet.",
      why: "The pod is not there, does not start (its image cannot be pulled, the cluster does not admit it), or finds no way out to this server.",
      fix: "Look at the pod and what it says; then run connect again, which goes on from what is there.",
      command: `${POD}\n${LOG}`,
    };
  }
  if (state === "Expired") {
    const name = cluster.name;
    const group = cluster.id.split("/")[4] ?? "";
    return {
      about,
      tone: "bad",
      says: `The agent's identity has expired. It was last connected ${ago}.`,
      why: "The agent was away for longer than its identity is good for, so that it could not be renewed.",
      fix: "Run connect again where kubectl reaches the cluster. What is configured stays.",
      command: `bowline cluster connect --name ${name} --group ${group}`,
    };
  }
  return {
    about,
    tone: "bad",
    says: `The agent is not connected (${state}). It was last connected ${ago}.`,
    why: "The cluster or its network is off, the agent's pod does not run, or a proxy or firewall has begun to close its way out.",
    fix: "Look at the pod first. When it runs, its log says what the server or the way to it answers.",
    command: `${POD}\n${LOG}`,
  };
}

function identity({ cluster, now }: Known): Finding | undefined {
  const expires = parseTime(text(cluster.properties, "managedIdentityCertificateExpirationTime"));
  if (!expires) return undefined;
  const about = "Identity";
  const left = expires.getTime() - now.getTime();
  const when = formatRelative(expires, now);
  if (left > EXPIRES_SOON) return { about, tone: "good", says: `It is good for another ${when.replace(/^in /, "")}.` };
  if (left > 0) {
    return {
      about,
      tone: "ended",
      says: `It ends ${when}.`,
      why: "The agent renews it from half of its life on, while it is connected. It has not.",
      fix: "Bring the agent back before that; afterwards connect has to be run again.",
    };
  }
  return {
    about,
    tone: "bad",
    says: `It ended ${when}.`,
    fix: "Run bowline cluster connect again where kubectl reaches the cluster. What is configured stays.",
  };
}

function version({ cluster, serverVersion }: Known): Finding | undefined {
  const agent = text(cluster.properties, "agentVersion");
  if (!agent) return undefined;
  const about = "Version";
  const kubernetes = text(cluster.properties, "kubernetesVersion");
  const runs = `Agent ${agent}${kubernetes ? `, Kubernetes ${kubernetes}` : ""}`;
  if (!serverVersion || serverVersion === agent) {
    return { about, tone: "good", says: serverVersion ? `${runs}; the server is of the same version.` : `${runs}.` };
  }
  return {
    about,
    tone: "ended",
    says: `${runs}; the server is ${serverVersion}.`,
    why: "Server and agents were not updated together. An older agent goes on working, without what is new.",
    fix: "Install the agent of the server's version.",
  };
}

function complaints({ cluster }: Known): Finding[] {
  return list(cluster.properties, "arcAgentProfile", "agentErrors").map((error) => ({
    about: `Agent: ${text(error, "component") ?? "itself"}`,
    tone: text(error, "severity") === "Warning" ? ("ended" as const) : ("bad" as const),
    says: text(error, "message") ?? "It complains without words.",
  }));
}

function inventory({ cluster, objects, newest, now }: Known): Finding {
  const about = "Inventory";
  if (objects === undefined) {
    return {
      about,
      tone: "neutral",
      says: "You may not see the objects of this cluster.",
      fix: "The role Reader at the cluster shows them.",
    };
  }
  const nodes = number(cluster.properties, "totalNodeCount");
  if (objects === 0) {
    return {
      about,
      tone: "bad",
      says: "The agent has reported no object.",
      why: "It has not connected yet, or the cluster does not let it list: see what it complains about.",
      fix: "The chart's ClusterRole gives the agent what it needs; install it again if somebody has changed it.",
      command: "kubectl auth can-i list pods --all-namespaces --as=system:serviceaccount:bowline-system:bowline-agent",
    };
  }
  const amount = `${count(objects, "object")}${nodes === undefined ? "" : `, ${count(nodes, "node")}`}`;
  if (newest && now.getTime() - newest.getTime() > QUIET) {
    return {
      about,
      tone: "ended",
      says: `${amount}; the newest change in them was ${formatRelative(newest, now)}.`,
      why: "A cluster in which nothing happens for a day is rare: what is shown may be old.",
      fix: "Compare with kubectl; when they differ, restart the agent: it reports the difference.",
      command: "kubectl -n bowline-system rollout restart deployment/bowline-agent",
    };
  }
  return {
    about,
    tone: "good",
    says: `${amount}${newest ? `; the newest change was ${formatRelative(newest, now)}` : ""}.`,
  };
}
