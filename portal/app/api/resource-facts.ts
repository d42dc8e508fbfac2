/**
 * What a list says of any resource: its type in words, its state, when it was last seen. The words for states are one
 * set for all types, because people scan one column: ARM says `Disconnected` of a machine and `Offline` of a cluster
 * and means the same.
 */
import { text } from "../util/json";
import { CLUSTER_TYPE, MACHINE_TYPE } from "../util/path-builder";
import { parseResourceId } from "../util/resource-id";
import { parseTime } from "../util/time";
import type { Resource } from "./resources";

export type StateTone = "good" | "waiting" | "bad" | "ended" | "neutral";
export interface ResourceState {
  label: string;
  tone: StateTone;
  /** The property's own word, where it differs. */
  raw: string;
}

const TYPE_NAMES: Record<string, string> = {
  [CLUSTER_TYPE.toLowerCase()]: "Cluster",
  [MACHINE_TYPE.toLowerCase()]: "Server",
  "microsoft.bowline/agentsettings": "Agent settings",
  "microsoft.bowline/enrollmenttokens": "Enrolment token",
};

const STATES: Record<string, [label: string, tone: StateTone]> = {
  connected: ["Connected", "good"],
  offline: ["Offline", "bad"],
  disconnected: ["Offline", "bad"],
  connecting: ["Connecting", "waiting"],
  awaitingconnection: ["Connecting", "waiting"],
  agentnotinstalled: ["No agent", "neutral"],
  expired: ["Expired", "ended"],
  error: ["Error", "bad"],
  succeeded: ["Ready", "good"],
  failed: ["Failed", "bad"],
  canceled: ["Canceled", "ended"],
};

// As in `az resource list`: neither the containers of resources are in the list of resources, nor who may do what in them.
const NOT_LISTED = ["microsoft.resources/", "microsoft.authorization/"];

export function isListed(resource: Resource): boolean {
  const type = resource.type.toLowerCase();
  return !NOT_LISTED.some((namespace) => type.startsWith(namespace));
}

export function typeName(type: string): string {
  return TYPE_NAMES[type.toLowerCase()] ?? type;
}

/** Whether the resource has an agent, and thus is "seen". */
export function hasAgent(resource: Resource): boolean {
  return [CLUSTER_TYPE, MACHINE_TYPE].some((type) => type.toLowerCase() === resource.type.toLowerCase());
}

export function stateOf(resource: Resource): ResourceState | undefined {
  const p = resource.properties;
  const provisioning = text(p, "provisioningState");
  const underWay = provisioning && !["succeeded", "failed", "canceled"].includes(provisioning.toLowerCase());
  const raw = underWay ? provisioning : (text(p, "connectivityStatus") ?? text(p, "status") ?? provisioning);
  if (raw === undefined) return undefined;
  const [label, tone] = STATES[raw.toLowerCase()] ?? [raw, underWay ? "waiting" : "neutral"];
  return { label, tone, raw };
}

/**
 * When the agent was last known to be there. While it is connected that is now: its session is its presence, and no
 * heartbeat is written down.
 */
export function lastSeen(resource: Resource): { now: boolean; at: Date | undefined } {
  const p = resource.properties;
  const at = parseTime(text(p, "lastConnectivityTime") ?? text(p, "lastStatusChange"));
  return { now: stateOf(resource)?.raw.toLowerCase() === "connected", at };
}

export function resourceGroupOf(resource: Resource): string {
  return parseResourceId(resource.id)?.resourceGroupName ?? "";
}
