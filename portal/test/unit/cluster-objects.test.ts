/** What is asked of the server, and what is read out of objects for the page of one of them. */
import { describe, expect, it } from "vitest";
import { eventsText, objectsOf, objectsText, objectText, relatedText, totalsText } from "../../app/api/cluster-objects";
import { ClusterError, logPath, namesOf, pathOf } from "../../app/api/cluster-proxy";
import { conditionsOf, containersOf, ownersOf } from "../../app/api/object-details";
import { kindGroups, OBJECT_KINDS, objectKind } from "../../app/api/object-kinds";
import { adviceOf } from "../../app/components/cluster-refusal";
import { literal } from "../../app/util/kql";
import { addText, NO_LINES, splitTime } from "../../app/util/text-lines";

const CLUSTER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Kubernetes/connectedClusters/oven";

describe("queries", () => {
  it("keep what people type inside of literals", () => {
    expect(literal("it's")).toBe("'it\\'s'");
    expect(literal("a\\' or true //")).toBe("'a\\\\\\' or true //'");
    const query = objectsText(CLUSTER, { kind: "Pod", q: "x' or true" });
    expect(query).toContain("name contains 'x\\''");
    expect(query).toContain("name contains 'or'");
  });
  it("say what is filtered and in which order", () => {
    const query = objectsText(CLUSTER, { kind: "Deployment", namespace: "shop", wrong: true, sort: "-age" });
    expect(query).toContain(`clusterId =~ '${CLUSTER}' and kind == 'Deployment'`);
    expect(query).toContain("| where namespace == 'shop'");
    expect(query).toContain(`| where ${objectKind("Deployment")?.wrong}`);
    expect(query).toContain("| order by created asc, uid asc");
    expect(objectsText(CLUSTER, { kind: "Pod" })).toContain("| order by name asc, namespace asc, uid asc");
    expect(objectsText(CLUSTER, { kind: "Event" })).toContain("| order by last desc, uid asc");
    expect(objectsText(CLUSTER, { kind: "Pod", sort: "nonsense" })).toContain("| order by name asc");
  });
  it("count what needs attention whatever is shown", () => {
    const query = totalsText(CLUSTER, { kind: "Pod", wrong: true });
    expect(query).toContain(`countif(${objectKind("Pod")?.wrong})`);
    expect(query).not.toContain("| where tostring(status.phase)");
    expect(totalsText(CLUSTER, { kind: "ConfigMap" })).toContain("countif(false)");
  });
  it("find what belongs to an object", () => {
    const of = (kind: string, object: object = {}) =>
      relatedText(CLUSTER, { kind, namespace: "shop", name: "web", uid: "u", apiVersion: "v1", object });
    expect(of("Deployment")).toContain("contains_cs 'u'");
    expect(of("Node")).toContain("tostring(spec.nodeName) == 'web'");
    expect(of("Service", { spec: { selector: { "a/b": "it's" } } })).toContain("tostring(labels['a/b']) == 'it\\'s'");
    expect(of("Service")).toBeUndefined();
  });
  it("name one object, and the events about it", () => {
    const pod = { kind: "Pod", namespace: "shop", name: "web" };
    expect(objectText(CLUSTER, pod)).toContain("namespace == 'shop' and name == 'web'");
    expect(eventsText(CLUSTER, pod)).toContain("tostring(object.regarding.name) == 'web'");
    expect(eventsText(CLUSTER, { kind: "Node", namespace: "", name: "n" })).not.toContain("where namespace ==");
  });
  it("have their rows read by the names of the columns", () => {
    const columns = ["name", "kind", "object", "uid"].map((name) => ({ name, type: "string" }));
    expect(objectsOf({ columns, rows: [["web", "Pod", { a: 1 }, "u"]] })).toEqual([
      { uid: "u", apiVersion: "", kind: "Pod", namespace: "", name: "web", object: { a: 1 } },
    ]);
  });
});

describe("kinds", () => {
  it("are known once each, and lie where the API has them", () => {
    const names = OBJECT_KINDS.map(({ kind }) => kind);
    expect(new Set(names).size).toBe(names.length);
    expect(kindGroups().map(([group]) => group)).toEqual(["Workloads", "Network", "Configuration", "Storage"]);
    expect(pathOf({ kind: "Pod", namespace: "a", name: "b" })).toBe("/api/v1/namespaces/a/pods/b");
    expect(pathOf({ kind: "Deployment", namespace: "a", name: "b c" })).toBe(
      "/apis/apps/v1/namespaces/a/deployments/b%20c",
    );
    expect(pathOf({ kind: "Node", namespace: "", name: "n" })).toBe("/api/v1/nodes/n");
    expect(pathOf({ kind: "Secret", namespace: "", name: "" })).toBe("/api/v1/secrets");
    expect(pathOf({ kind: "Gizmo", namespace: "", name: "n" })).toBeUndefined();
  });
});

describe("one object", () => {
  const pod = {
    kind: "Pod",
    namespace: "shop",
    object: {
      metadata: { ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-1", controller: true }] },
      spec: {
        initContainers: [{ name: "first", image: "i:1" }],
        containers: [{ name: "main", image: "i:2", resources: { limits: { memory: "1Gi" } } }, { name: "side" }],
      },
      status: {
        conditions: [
          { type: "Ready", status: "False", reason: "ContainersNotReady" },
          { type: "MemoryPressure", status: "False" },
          { type: "Odd", status: "Unknown" },
        ],
        initContainerStatuses: [{ name: "first", state: { terminated: { exitCode: 0, reason: "Completed" } } }],
        containerStatuses: [
          {
            name: "main",
            ready: false,
            restartCount: 4,
            state: { waiting: { reason: "CrashLoopBackOff", message: "back-off" } },
            lastState: { terminated: { exitCode: 137, reason: "OOMKilled" } },
          },
        ],
      },
    },
  };
  it("has containers, in the order in which they run", () => {
    const [first, main, side] = containersOf(pod);
    expect(first).toMatchObject({ name: "first", initial: true, state: { label: "Completed", tone: "neutral" } });
    expect(main).toMatchObject({
      state: { label: "CrashLoopBackOff", tone: "bad" },
      restarts: 4,
      before: true,
      limits: "1Gi memory",
      message: "back-off · before: ended with OOMKilled (exit code 137)",
    });
    expect(side).toMatchObject({ state: { label: "Waiting" }, before: false });
  });
  it("of a template has no state", () => {
    const content = { spec: { template: { spec: { containers: [{ name: "main" }] } } } };
    expect(containersOf({ kind: "Deployment", object: content })[0]?.state.label).toBe("Template");
    expect(containersOf({ kind: "Service", object: {} })).toEqual([]);
  });
  it("has conditions, of which some are good when they are false", () => {
    expect(conditionsOf(pod).map(({ type, state }) => [type, state.tone])).toEqual([
      ["Ready", "bad"],
      ["MemoryPressure", "good"],
      ["Odd", "ended"],
    ]);
  });
  it("names its owner", () => {
    expect(ownersOf(pod)).toMatchObject([{ kind: "ReplicaSet", namespace: "shop", name: "web-1", controller: true }]);
  });
});

describe("out of the cluster", () => {
  it("names are read from the cluster's own table", () => {
    const table = {
      metadata: { continue: "more" },
      columnDefinitions: [{ name: "Name" }, { name: "Type" }, { name: "Data" }],
      rows: [
        {
          cells: ["registry", "Opaque", 2],
          object: { metadata: { name: "registry", namespace: "shop", annotations: { applied: "c2VjcmV0" } } },
        },
      ],
    };
    const { names, next } = namesOf(table, "Secret");
    expect(JSON.stringify(names)).not.toContain("c2VjcmV0");
    expect(next).toBe("more");
    expect(names).toMatchObject([
      { kind: "Secret", namespace: "shop", name: "registry", cells: { Type: "Opaque", Data: "2" } },
    ]);
  });
  it("a log of the container before is never followed", () => {
    const wish = { namespace: "a", pod: "b", container: "c", previous: true, follow: true, lines: 10 };
    expect(logPath(wish)).toBe(
      "/api/v1/namespaces/a/pods/b/log?tailLines=10&timestamps=true&container=c&previous=true",
    );
    expect(logPath({ ...wish, previous: false })).toMatch(/follow=true$/);
  });
  it("a refusal of the cluster is told from one of the server", () => {
    const byCluster = new ClusterError(403, "Forbidden", 'User "ann" cannot get resource "pods"');
    expect(byCluster.byCluster).toBe(true);
    expect(adviceOf(byCluster)?.command).toBe(
      "kubectl create clusterrolebinding ann-view --clusterrole=view --user='ann'",
    );
    const byServer = new ClusterError(403, "AuthorizationFailed", "You may not. (AuthorizationFailed)");
    expect(byServer.byCluster).toBe(false);
    expect(adviceOf(byServer)?.text).toContain("Cluster User Role");
    expect(adviceOf(new ClusterError(503, "AgentNotConnected", "gone (AgentNotConnected)"))?.text).toContain(
      "Diagnose",
    );
  });
  it("a log comes in pieces, and only its newest lines are kept", () => {
    let buffer = addText(NO_LINES, "one\ntw", 2);
    expect(buffer).toEqual({ lines: ["one"], dropped: 0, rest: "tw" });
    buffer = addText(buffer, "o\r\nthree\n", 2);
    expect(buffer).toEqual({ lines: ["two", "three"], dropped: 1, rest: "" });
    expect(addText(NO_LINES, "x".repeat(70_000), 2).lines).toHaveLength(1);
    expect(splitTime("2026-11-24T02:00:00.123456789Z said it")).toEqual(["2026-11-24T02:00:00.123456789Z", "said it"]);
    expect(splitTime("said it")).toEqual(["", "said it"]);
  });
});
