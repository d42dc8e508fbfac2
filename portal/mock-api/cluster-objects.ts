/** A cluster's inventory as its agent would have reported it: the same for every cluster, with something wrong in it. */
import type { KubernetesObject } from "../app/api/__generated__/types.ts";

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();
const DAY = 86_400;

export function clusterObjects(clusterId: string): KubernetesObject[] {
  const make = (
    kind: string,
    apiVersion: string,
    name: string,
    namespace: string | undefined,
    object: object,
  ): KubernetesObject => ({
    id: `${clusterId}/providers/Microsoft.Bowline/kubernetesObjects/${kind}.${namespace ?? ""}.${name}`,
    name,
    type: "Microsoft.Bowline/kubernetesObjects",
    properties: {
      apiVersion,
      kind,
      name,
      namespace,
      observedAt: ago(5),
      object: { apiVersion, kind, metadata: { name, namespace, creationTimestamp: ago(40 * DAY) }, ...object },
    },
  });
  return [
    ...["default", "kube-system", "shop", "monitoring"].map((name) => make("Namespace", "v1", name, undefined, {})),
    ...nodes(make),
    ...deployments(make),
    make("StatefulSet", "apps/v1", "postgres", "shop", {
      spec: { replicas: 3, ...template("postgres:17.2") },
      status: { readyReplicas: 3 },
    }),
    make("DaemonSet", "apps/v1", "node-exporter", "monitoring", {
      spec: template("prom/node-exporter:v1.9.0"),
      status: { desiredNumberScheduled: 3, numberReady: 2 },
    }),
    make("Service", "v1", "storefront", "shop", {
      spec: { type: "ClusterIP", clusterIP: "10.96.14.3", ports: [{ port: 443, protocol: "TCP" }] },
    }),
    make("CronJob", "batch/v1", "nightly-report", "shop", {
      spec: { schedule: "0 3 * * *", jobTemplate: { spec: template("shop/report:8") } },
    }),
    ...pods(make),
    ...events(make),
  ];
}

type Make = (
  kind: string,
  apiVersion: string,
  name: string,
  namespace: string | undefined,
  object: object,
) => KubernetesObject;

const template = (image: string) => ({ template: { spec: { containers: [{ name: "main", image }] } } });

function nodes(make: Make): KubernetesObject[] {
  return [1, 2, 3].map((n) =>
    make("Node", "v1", `node-${n}`, undefined, {
      metadata: {
        name: `node-${n}`,
        creationTimestamp: ago(40 * DAY),
        labels: n === 1 ? { "node-role.kubernetes.io/control-plane": "" } : {},
      },
      spec: { unschedulable: n === 2 || undefined },
      status: {
        capacity: { cpu: "8", memory: "32786716Ki" },
        conditions: [{ type: "Ready", status: n === 3 ? "Unknown" : "True" }],
        nodeInfo: { kubeletVersion: "v1.36.1", osImage: "Debian GNU/Linux 12 (bookworm)" },
        addresses: [{ type: "InternalIP", address: `10.0.3.${10 + n}` }],
      },
    }),
  );
}

function deployments(make: Make): KubernetesObject[] {
  const all: Array<[name: string, namespace: string, wanted: number, ready: number, image: string]> = [
    ["coredns", "kube-system", 2, 2, "registry.k8s.io/coredns/coredns:v1.12.0"],
    ["storefront", "shop", 6, 6, "shop/storefront:2026.11.3"],
    ["checkout", "shop", 4, 3, "shop/checkout:2026.11.1"],
    ["search", "shop", 2, 0, "shop/search:2026.10.9"],
    ["grafana", "monitoring", 1, 1, "grafana/grafana:12.1.0"],
    ["old-shop", "shop", 0, 0, "shop/storefront:2025.1.0"],
  ];
  return all.map(([name, namespace, replicas, readyReplicas, image]) =>
    make("Deployment", "apps/v1", name, namespace, {
      spec: { replicas, ...template(image) },
      status: { readyReplicas },
    }),
  );
}

function pods(make: Make): KubernetesObject[] {
  return Array.from({ length: 450 }, (_, n) => {
    const broken = n === 7;
    return make("Pod", "v1", `storefront-${String(n).padStart(3, "0")}`, "shop", {
      spec: { nodeName: `node-${(n % 3) + 1}`, containers: [{ name: "main", image: "shop/storefront:2026.11.3" }] },
      status: {
        phase: "Running",
        containerStatuses: [
          { ready: !broken, state: broken ? { waiting: { reason: "CrashLoopBackOff" } } : { running: {} } },
        ],
      },
    });
  });
}

function events(make: Make): KubernetesObject[] {
  return [
    make("Event", "v1", "search.1", "shop", {
      type: "Warning",
      reason: "BackOff",
      message: "Back-off restarting failed container main in pod search-6b9f",
      count: 41,
      lastTimestamp: ago(35),
      involvedObject: { kind: "Pod", name: "search-6b9f" },
    }),
    make("Event", "events.k8s.io/v1", "node-3.1", undefined, {
      type: "Normal",
      reason: "NodeNotReady",
      note: "Node node-3 status is now: NodeNotReady",
      series: { count: 3, lastObservedTime: ago(400) },
      regarding: { kind: "Node", name: "node-3" },
    }),
  ];
}
