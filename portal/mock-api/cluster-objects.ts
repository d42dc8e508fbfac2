/** A cluster's objects as its agent would have reported them: the same for every cluster, with something wrong in it. */
import { createHash } from "node:crypto";
import type { ClusterObject } from "../app/api/cluster-objects.ts";
import { brokenPod, podList } from "./cluster-pods.ts";

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();
const DAY = 86_400;

export interface Made extends ClusterObject {
  object: Record<string, unknown>;
  /** Whether the condition of its kind holds. */
  wrong: boolean;
}

/** What the conditions of the kinds hold for; the real ones are in KQL. */
const WRONG = new Set([
  "Deployment/checkout",
  "Deployment/search",
  "ReplicaSet/checkout-7d9f4c",
  "DaemonSet/node-exporter",
  "Job/import-2026-11",
  "Pod/checkout-7d9f4c-x2x9p",
  "Pod/storefront-007",
  "Service/storefront-public",
  "PersistentVolumeClaim/data-postgres-9",
  "Node/node-2",
  "Node/node-3",
  "Event/checkout.1",
]);

/** An object with what every object has; `metadata` of the content comes on top. */
export function make(
  kind: string,
  apiVersion: string,
  name: string,
  namespace: string | undefined,
  content: { metadata?: object; [member: string]: unknown },
): Made {
  const uid = createHash("sha256")
    .update(`${kind}/${namespace ?? ""}/${name}`)
    .digest("hex")
    .slice(0, 12);
  const metadata = { name, namespace, uid, creationTimestamp: ago(40 * DAY), ...content.metadata };
  return {
    uid,
    apiVersion,
    kind,
    namespace: namespace ?? "",
    name,
    object: { apiVersion, kind, ...content, metadata },
    wrong: WRONG.has(`${kind}/${name}`),
  };
}

export function ownedBy(owner: Made): object {
  const { apiVersion, kind, name, uid } = owner;
  return { ownerReferences: [{ apiVersion, kind, name, uid, controller: true }] };
}

export function clusterObjects(): Made[] {
  const [checkout, ...deployments] = allDeployments();
  const replicas = make("ReplicaSet", "apps/v1", "checkout-7d9f4c", "shop", {
    metadata: ownedBy(checkout as Made),
    spec: { replicas: 4, ...template("shop/checkout:2026.11.1") },
    status: { readyReplicas: 3 },
  });
  return [
    ...["default", "kube-system", "shop", "monitoring"].map((name) => make("Namespace", "v1", name, undefined, {})),
    ...nodes(),
    checkout as Made,
    ...deployments,
    replicas,
    make("StatefulSet", "apps/v1", "postgres", "shop", {
      spec: { replicas: 3, ...template("postgres:17.2") },
      status: { readyReplicas: 3 },
    }),
    make("DaemonSet", "apps/v1", "node-exporter", "monitoring", {
      spec: template("prom/node-exporter:v1.9.0"),
      status: { desiredNumberScheduled: 3, numberReady: 2 },
    }),
    make("Job", "batch/v1", "import-2026-11", "shop", {
      spec: { completions: 1, ...template("shop/import:3") },
      status: { failed: 4, conditions: [{ type: "Failed", status: "True", reason: "BackoffLimitExceeded" }] },
    }),
    make("CronJob", "batch/v1", "nightly-report", "shop", {
      spec: { schedule: "0 3 * * *", jobTemplate: { spec: template("shop/report:8") } },
    }),
    ...network(),
    ...storage(),
    make("ConfigMap", "v1", "storefront-settings", "shop", {}),
    make("ServiceAccount", "v1", "checkout", "shop", {}),
    brokenPod(replicas),
    ...podList(450),
    ...events(),
  ];
}

/** What only the cluster itself knows. */
export function clusterSecrets(): Made[] {
  return ["checkout-database", "registry", "storefront-tls"].map((name) =>
    make("Secret", "v1", name, "shop", {
      // As kubectl apply leaves it: the page must not show it.
      metadata: { annotations: { "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"key":"c2VjcmV0"}}' } },
      type: name === "storefront-tls" ? "kubernetes.io/tls" : "Opaque",
    }),
  );
}

const template = (image: string) => ({ template: { spec: { containers: [{ name: "main", image }] } } });

function nodes(): Made[] {
  return [1, 2, 3].map((n) =>
    make("Node", "v1", `node-${n}`, undefined, {
      metadata: { labels: n === 1 ? { "node-role.kubernetes.io/control-plane": "" } : {} },
      spec: {
        unschedulable: n === 2 || undefined,
        taints:
          n === 1 ? [] : [{ key: n === 2 ? "node.kubernetes.io/unschedulable" : "node.kubernetes.io/unreachable" }],
      },
      status: {
        capacity: { cpu: "8", memory: "32786716Ki" },
        conditions: [
          { type: "MemoryPressure", status: "False", reason: "KubeletHasSufficientMemory" },
          {
            type: "Ready",
            status: n === 3 ? "Unknown" : "True",
            reason: n === 3 ? "NodeStatusUnknown" : "KubeletReady",
            message: n === 3 ? "Kubelet stopped posting node status." : "kubelet is posting ready status",
            lastTransitionTime: ago(n === 3 ? 400 : 40 * DAY),
          },
        ],
        nodeInfo: { kubeletVersion: "v1.36.1", osImage: "Debian GNU/Linux 12 (bookworm)" },
        addresses: [{ type: "InternalIP", address: `10.0.3.${10 + n}` }],
      },
    }),
  );
}

function allDeployments(): Made[] {
  const all: Array<[name: string, namespace: string, wanted: number, ready: number, image: string]> = [
    ["checkout", "shop", 4, 3, "shop/checkout:2026.11.1"],
    ["coredns", "kube-system", 2, 2, "registry.k8s.io/coredns/coredns:v1.12.0"],
    ["storefront", "shop", 6, 6, "shop/storefront:2026.11.3"],
    ["search", "shop", 2, 0, "shop/search:2026.10.9"],
    ["grafana", "monitoring", 1, 1, "grafana/grafana:12.1.0"],
    ["old-shop", "shop", 0, 0, "shop/storefront:2025.1.0"],
  ];
  return all.map(([name, namespace, replicas, readyReplicas, image]) =>
    make("Deployment", "apps/v1", name, namespace, {
      metadata: { labels: { app: name, team: namespace === "shop" ? "sales" : "platform" } },
      spec: { replicas, ...template(image) },
      status: {
        readyReplicas,
        conditions: [
          {
            type: "Available",
            status: readyReplicas >= replicas ? "True" : "False",
            reason: readyReplicas >= replicas ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
            lastTransitionTime: ago(3 * DAY),
          },
        ],
      },
    }),
  );
}

function network(): Made[] {
  return [
    make("Service", "v1", "storefront", "shop", {
      spec: {
        type: "ClusterIP",
        clusterIP: "10.96.14.3",
        selector: { app: "storefront" },
        ports: [{ port: 443, protocol: "TCP" }],
      },
    }),
    make("Service", "v1", "storefront-public", "shop", {
      spec: { type: "LoadBalancer", clusterIP: "10.96.14.9", ports: [{ port: 443, protocol: "TCP" }] },
      status: { loadBalancer: {} },
    }),
    make("Ingress", "networking.k8s.io/v1", "storefront", "shop", {
      spec: { ingressClassName: "nginx", rules: [{ host: "shop.example.com" }] },
    }),
    make("NetworkPolicy", "networking.k8s.io/v1", "only-storefront", "shop", {
      spec: { policyTypes: ["Ingress"], podSelector: { matchLabels: { app: "checkout" } } },
    }),
  ];
}

function storage(): Made[] {
  const claim = (name: string, phase: string, volumeName?: string) =>
    make("PersistentVolumeClaim", "v1", name, "shop", {
      spec: { storageClassName: "fast", resources: { requests: { storage: "20Gi" } }, volumeName },
      status: { phase },
    });
  return [
    claim("data-postgres-0", "Bound", "pv-7"),
    claim("data-postgres-9", "Pending"),
    make("PersistentVolume", "v1", "pv-7", undefined, {
      spec: {
        capacity: { storage: "20Gi" },
        storageClassName: "fast",
        claimRef: { namespace: "shop", name: "data-postgres-0" },
      },
      status: { phase: "Bound" },
    }),
    make("StorageClass", "storage.k8s.io/v1", "fast", undefined, {
      metadata: { annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
      provisioner: "ebs.csi.aws.com",
    }),
  ];
}

function events(): Made[] {
  return [
    make("Event", "v1", "checkout.1", "shop", {
      type: "Warning",
      reason: "BackOff",
      message: "Back-off restarting failed container main in pod checkout-7d9f4c-x2x9p",
      count: 41,
      lastTimestamp: ago(35),
      involvedObject: { kind: "Pod", namespace: "shop", name: "checkout-7d9f4c-x2x9p" },
    }),
    make("Event", "events.k8s.io/v1", "node-3.1", "default", {
      type: "Normal",
      reason: "NodeNotReady",
      note: "Node node-3 status is now: NodeNotReady",
      series: { count: 3, lastObservedTime: ago(400) },
      regarding: { kind: "Node", name: "node-3" },
    }),
  ];
}
