import { describe, expect, it } from "vitest";
import { eventFacts, nodeFacts, workloadFacts } from "../api/kubernetes-facts";
import { isListed, lastSeen, stateOf } from "../api/resource-facts";
import type { Resource } from "../api/resources";
import { countBy, filterResources } from "./resources-filter";

const machine = (name: string, properties: object, tags = {}): Resource => ({
  id: `/subscriptions/s/resourceGroups/g/providers/Microsoft.HybridCompute/machines/${name}`,
  name,
  type: "Microsoft.HybridCompute/machines",
  location: "oslo",
  tags,
  properties,
});
const object = (kind: string, content: Record<string, unknown>) => ({
  uid: "u",
  apiVersion: "v1",
  kind,
  namespace: "",
  name: "n",
  object: content,
});

describe("a resource's state", () => {
  it.each([
    [{ status: "Connected" }, "Connected", "good"],
    [{ status: "Disconnected" }, "Offline", "bad"],
    [{ connectivityStatus: "Offline" }, "Offline", "bad"],
    [{ connectivityStatus: "expired" }, "Expired", "ended"],
    [{ status: "Connected", provisioningState: "Deleting" }, "Deleting", "waiting"],
    [{ status: "Connected", provisioningState: "Succeeded" }, "Connected", "good"],
    [{ provisioningState: "Succeeded" }, "Ready", "good"],
    [{ status: "Hibernating" }, "Hibernating", "neutral"],
  ])("%j reads %s", (properties, label, tone) => {
    expect(stateOf(machine("m", properties))).toMatchObject({ label, tone });
  });
  it("is absent where the type has none", () => {
    expect(stateOf(machine("m", {}))).toBeUndefined();
  });
  it("tells when the resource was last seen", () => {
    const at = "2026-11-23T10:00:00Z";
    expect(lastSeen(machine("m", { status: "Connected", lastStatusChange: at }))).toEqual({
      now: true,
      at: new Date(at),
    });
    expect(lastSeen(machine("m", { status: "Disconnected", lastStatusChange: at })).now).toBe(false);
    expect(lastSeen(machine("m", { status: "AwaitingConnection" }))).toEqual({ now: false, at: undefined });
  });
});

describe("the list", () => {
  const all = [
    machine("db-1", { status: "Connected" }, { env: "prod" }),
    machine("web-1", { status: "Disconnected" }, { env: "dev" }),
  ];
  const names = (filter: object) => filterResources(all, filter).map((r) => r.name);
  it("finds by all words, in name, tag, place and state", () => {
    expect(names({})).toEqual(["db-1", "web-1"]);
    expect(names({ q: "OSLO env=prod" })).toEqual(["db-1"]);
    expect(names({ q: "server offline" })).toEqual(["web-1"]);
    expect(names({ q: "db-1 dev" })).toEqual([]);
    expect(names({ state: "Offline" })).toEqual(["web-1"]);
    expect(names({ type: "Cluster" })).toEqual([]);
  });
  it("leaves out the containers of resources, and the roles in them", () => {
    expect(isListed({ ...all[0], type: "Microsoft.Resources/resourceGroups" } as Resource)).toBe(false);
    expect(isListed({ ...all[0], type: "microsoft.authorization/roleAssignments" } as Resource)).toBe(false);
    expect(all.every(isListed)).toBe(true);
  });
  it("counts states", () => {
    expect(countBy([...all, all[1] as Resource], (r) => stateOf(r)?.label)).toEqual([
      ["Offline", 2],
      ["Connected", 1],
    ]);
  });
});

describe("Kubernetes objects", () => {
  it("reads a node", () => {
    const ready = {
      status: { conditions: [{ type: "Ready", status: "True" }], capacity: { cpu: "8", memory: "32786716Ki" } },
    };
    expect(nodeFacts(object("Node", ready))).toMatchObject({
      state: { label: "Ready" },
      roles: "worker",
      cpu: "8",
      memory: "31.3 GiB",
    });
    expect(nodeFacts(object("Node", { ...ready, spec: { unschedulable: true } })).state.label).toBe("Cordoned");
    expect(nodeFacts(object("Node", {})).state.label).toBe("Unknown");
  });
  it.each([
    ["Deployment", { spec: { replicas: 2 }, status: { readyReplicas: 2 } }, "Ready", "2/2"],
    ["Deployment", { spec: { replicas: 2 }, status: { readyReplicas: 1 } }, "Partly ready", "1/2"],
    ["Deployment", { spec: { replicas: 2 }, status: {} }, "Not ready", "0/2"],
    ["Deployment", { spec: { replicas: 0 } }, "Scaled to zero", "0/0"],
    ["DaemonSet", { status: { desiredNumberScheduled: 3, numberReady: 3 } }, "Ready", "3/3"],
    ["Job", { spec: { completions: 1 }, status: { succeeded: 1 } }, "Completed", "1/1"],
    ["Job", { status: { conditions: [{ type: "Failed", status: "True" }] } }, "Failed", "0/1"],
    [
      "Pod",
      { spec: { containers: [{}] }, status: { phase: "Running", containerStatuses: [{ ready: true }] } },
      "Running",
      "1/1",
    ],
    [
      "Pod",
      {
        spec: { containers: [{}] },
        status: {
          phase: "Running",
          containerStatuses: [{ ready: false, state: { waiting: { reason: "CrashLoopBackOff" } } }],
        },
      },
      "CrashLoopBackOff",
      "0/1",
    ],
    ["Pod", { status: { phase: "Succeeded" } }, "Completed", "0/0"],
    ["Pod", {}, "Unknown", "0/0"],
  ])("%s %j is %s, %s", (kind, content, label, ready) => {
    expect(workloadFacts(object(kind, content))).toMatchObject({ state: { label }, ready });
  });
  it("reads events of both groups", () => {
    const core = {
      type: "Warning",
      message: "m",
      count: 41,
      lastTimestamp: "2026-11-23T10:00:00Z",
      involvedObject: { kind: "Pod", name: "p" },
    };
    expect(eventFacts(object("Event", core))).toMatchObject({
      about: "Pod p",
      message: "m",
      times: 41,
      state: { label: "Warning" },
    });
    const newer = {
      note: "n",
      series: { count: 3, lastObservedTime: "2026-11-23T10:00:00Z" },
      regarding: { kind: "Node", name: "x" },
    };
    expect(eventFacts(object("Event", newer))).toMatchObject({
      about: "Node x",
      message: "n",
      times: 3,
      last: new Date("2026-11-23T10:00:00Z"),
    });
  });
});
