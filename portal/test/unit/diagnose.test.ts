/** The words of a diagnosis, the commands that connect a cluster, and what is taken out of a report. */
import { describe, expect, it } from "vitest";
import { checksOf } from "../../app/api/cluster-checks";
import { valuesFile } from "../../app/api/connect-cluster";
import { findingsOf, type Known } from "../../app/api/diagnose";
import { signsOf } from "../../app/forms/connect-cluster-verify";
import {
  connectCommand,
  helmCommand,
  manifestCommand,
  parseTags,
  quote,
  signInCommand,
  wrongGroup,
  wrongName,
} from "../../app/util/connect-scripts";
import { redact, redactText } from "../../app/util/redact";

const NOW = new Date("2026-11-24T03:00:00Z");
const cluster = (properties: object) => ({
  id: "/subscriptions/s/resourceGroups/plant/providers/Microsoft.Kubernetes/connectedClusters/oven",
  name: "oven",
  type: "Microsoft.Kubernetes/connectedClusters",
  properties,
});
const finding = (about: string, properties: object, more: Partial<Known> = {}) =>
  findingsOf({ cluster: cluster(properties), now: NOW, objects: 12, newest: NOW, ...more }).find(
    (one) => one.about === about,
  );

describe("what the server knows", () => {
  it.each([
    ["Connected", "good"],
    ["Connecting", "waiting"],
    ["Offline", "bad"],
    ["Expired", "bad"],
  ])("a session that is %s", (connectivityStatus, tone) => {
    expect(finding("Session", { connectivityStatus })?.tone).toBe(tone);
  });
  it("an expired identity names the command that heals it", () => {
    expect(finding("Session", { connectivityStatus: "Expired" })?.command).toBe(
      "bowline cluster connect --name oven --group plant",
    );
  });
  it.each([
    ["2027-02-01T00:00:00Z", "good"],
    ["2026-12-01T00:00:00Z", "ended"],
    ["2026-11-01T00:00:00Z", "bad"],
  ])("an identity that ends %s", (managedIdentityCertificateExpirationTime, tone) => {
    expect(finding("Identity", { managedIdentityCertificateExpirationTime })?.tone).toBe(tone);
  });
  it("versions that differ", () => {
    expect(finding("Version", { agentVersion: "1" }, { serverVersion: "2" })?.tone).toBe("ended");
    expect(finding("Version", { agentVersion: "2" }, { serverVersion: "2" })?.tone).toBe("good");
    expect(finding("Version", { agentVersion: "2" })?.tone).toBe("good");
  });
  it("what the agent complains about, in its words", () => {
    const agentErrors = [{ component: "inventory", severity: "Warning", message: "pods cannot be listed" }];
    expect(finding("Agent: inventory", { arcAgentProfile: { agentErrors } })?.says).toBe("pods cannot be listed");
  });
  it("an inventory that is empty, old, or not to be seen", () => {
    expect(finding("Inventory", {}, { objects: 0 })?.tone).toBe("bad");
    expect(finding("Inventory", {}, { newest: new Date("2026-11-20T00:00:00Z") })?.tone).toBe("ended");
    expect(finding("Inventory", {}, { objects: undefined })?.tone).toBe("neutral");
    expect(finding("Inventory", {})?.tone).toBe("good");
  });
});

describe("what is wrong in a cluster", () => {
  const object = (kind: string, name: string, content: object) => ({
    uid: name,
    apiVersion: "v1",
    kind,
    namespace: "shop",
    name,
    object: content,
  });
  const pod = (name: string, status: object) => object("Pod", name, { status });
  const waiting = (reason: string, more: object = {}) => ({
    phase: "Running",
    containerStatuses: [{ name: "main", restartCount: 3, state: { waiting: { reason } }, ...more }],
  });
  const tones = (pods: object[], events: object[] = [], nodes: object[] = []) =>
    Object.fromEntries(
      checksOf({ nodes, pods, events } as Parameters<typeof checksOf>[0]).map((check) => [check.title, check]),
    );
  it("is nothing where all is well", () => {
    const ready = object("Node", "n", { status: { conditions: [{ type: "Ready", status: "True" }] } });
    const checks = tones([pod("a", { phase: "Running" })], [], [ready]);
    expect(Object.values(checks).map(({ tone }) => tone)).toEqual(["good", "good", "good", "good", "good"]);
  });
  it("is found by its cause", () => {
    const down = object("Node", "n", {
      status: {
        conditions: [
          { type: "Ready", status: "Unknown", message: "Kubelet stopped posting node status." },
          { type: "DiskPressure", status: "True" },
        ],
      },
    });
    const pods = [
      pod("loop", waiting("CrashLoopBackOff", { lastState: { terminated: { reason: "OOMKilled", exitCode: 137 } } })),
      pod("image", waiting("ImagePullBackOff")),
      pod("homeless", {
        phase: "Pending",
        conditions: [{ type: "PodScheduled", status: "False", message: "0/3 nodes are available" }],
      }),
      pod("starting", { phase: "Pending", conditions: [{ type: "PodScheduled", status: "True" }] }),
    ];
    const quota = object("Event", "e", {
      message: 'pods "x" is forbidden: exceeded quota: small',
      involvedObject: { kind: "ReplicaSet", name: "web" },
    });
    const checks = tones(pods, [quota], [down]);
    expect(checks.Nodes?.problems[0]?.says).toBe("Unknown: Kubelet stopped posting node status.; DiskPressure");
    expect(checks["Crash loops"]?.problems.map(({ at }) => at.name)).toEqual(["loop"]);
    expect(checks["Crash loops"]?.fix).toContain("OOMKilled");
    expect(checks["Image pulls"]?.problems.map(({ at }) => at.name)).toEqual(["image"]);
    expect(checks["Pending pods"]?.problems.map(({ at }) => at.name)).toEqual(["homeless"]);
    expect(checks.Quotas?.problems[0]?.at).toEqual({ kind: "ReplicaSet", namespace: "shop", name: "web" });
  });
  it("is cut where there is too much of it, and counted whole", () => {
    const pods = Array.from({ length: 70 }, (_, n) => pod(`p${n}`, waiting("CrashLoopBackOff")));
    const check = tones(pods)["Crash loops"];
    expect(check?.says).toBe("Containers that end again and again: 70.");
    expect(check?.problems).toHaveLength(20);
  });
});

describe("connecting", () => {
  const wanted = {
    server: "https://bowline.example:8443",
    subscriptionId: "5d1c",
    group: "plant",
    newGroup: true,
    name: "edge-01",
    location: "oslo",
    tags: { env: "prod", note: "it's new" },
  };
  it("has commands for both shells", () => {
    expect(signInCommand(wanted, "bash")).toBe("bowline login --server https://bowline.example:8443");
    expect(connectCommand(wanted, "bash")).toBe(
      [
        "bowline cluster connect \\",
        "  --name edge-01 \\",
        "  --group plant --create-group \\",
        "  --subscription 5d1c \\",
        "  --location oslo \\",
        "  --tags env=prod 'note=it'\\''s new'",
      ].join("\n"),
    );
    expect(connectCommand({ ...wanted, newGroup: false, location: undefined, tags: {} }, "powershell")).toBe(
      "bowline cluster connect `\n  --name edge-01 `\n  --group plant `\n  --subscription 5d1c",
    );
  });
  it("quotes what a shell would read", () => {
    expect(quote("a$b", "bash")).toBe("'a$b'");
    expect(quote("a'b", "powershell")).toBe("'a''b'");
    expect(quote("a;b`c", "powershell")).toBe("'a;b`c'");
  });
  it("has Helm's commands on the server's own registry", () => {
    expect(helmCommand(wanted, "v.yaml", "bash")).toContain("oci://bowline.example:8443/charts/bowline-agent");
    expect(manifestCommand(wanted, "v.yaml", "m.yaml", "bash")).toMatch(
      /^helm template .* > m\.yaml\nkubectl apply -f m\.yaml$/,
    );
  });
  it("knows what names may be", () => {
    for (const good of ["a", "edge-01", "A_b.c"]) expect(wrongName(good), good).toBeUndefined();
    for (const bad of ["-a", "a b", "a".repeat(64), "é"]) expect(wrongName(bad), bad).toBeDefined();
    expect(wrongGroup("rg (1)")).toBeDefined();
    expect(wrongGroup("rg_(1)")).toBeUndefined();
    expect(wrongGroup("rg.")).toBeDefined();
    expect(parseTags("a=1, b=2")).toEqual({ a: "1", b: "2" });
    expect(parseTags("a")).toBeUndefined();
  });
  it("writes what the chart has to know", () => {
    const known = { server: "https://b", "image.repository": "b/agent", resourceId: "/r", principalId: "p" };
    expect(JSON.parse(valuesFile(known, "oslo", "bwe_x"))).toEqual({
      server: "https://b",
      caCertificate: "",
      resourceId: "/r",
      location: "oslo",
      image: { repository: "b/agent" },
      enrollmentToken: "bwe_x",
    });
  });
  it("is verified sign by sign", () => {
    const words = (resource: object | undefined, connected: boolean, objects: number, long = false) =>
      signsOf({ resource: resource && cluster(resource), connected, objects }, long).map(({ tone }) => tone);
    expect(words(undefined, false, 0)).toEqual(["waiting", "neutral", "neutral"]);
    expect(words({ connectivityStatus: "Connecting" }, false, 0)).toEqual(["good", "waiting", "neutral"]);
    expect(words({ connectivityStatus: "Connected" }, true, 0)).toEqual(["good", "good", "waiting"]);
    expect(words({ connectivityStatus: "Connected" }, true, 9)).toEqual(["good", "good", "good"]);
    expect(signsOf({ resource: undefined, connected: false, objects: 0 }, true)[0]?.hint).toContain("--subscription");
  });
});

describe("a report", () => {
  it.each([
    ["Authorization: Bearer abcdefgh12345", /Bearer \(hidden\)$/],
    ["token eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln was refused", /^token \(hidden\) was refused$/],
    ["uses bwe_3f9a8b7c6d once", /^uses \(hidden\) once$/],
    ["https://ann:pa55@proxy:3128/x", /^https:\/\/\(hidden\)@proxy:3128\/x$/],
    ["DB_PASSWORD=hunter22 rest", /^DB_PASSWORD=\(hidden\) rest$/],
    ['"clientSecret": "abc~def"', /^"clientSecret": "\(hidden\)"$/],
    ["-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", /^\(hidden\)$/],
  ])("hides what opens something: %s", (said, shown) => {
    expect(redactText(said)).toMatch(shown);
  });
  it("keeps what helps", () => {
    const said = "0/3 nodes are available: 3 Insufficient memory (10.0.3.11)";
    expect(redactText(said)).toBe(said);
    expect(redact({ agentPublicKeyCertificate: "MFkw", tags: ["a"], n: 1, none: null })).toEqual({
      agentPublicKeyCertificate: "(hidden)",
      tags: ["a"],
      n: 1,
      none: null,
    });
  });
});
