/** Pods: one that is broken, many that are not, and what they write into their logs. */
import { type Made, make, ownedBy } from "./cluster-objects.ts";

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();

export function brokenPod(owner: Made): Made {
  return make("Pod", "v1", "checkout-7d9f4c-x2x9p", "shop", {
    metadata: { ...ownedBy(owner), labels: { app: "checkout" }, creationTimestamp: ago(7_400) },
    spec: {
      nodeName: "node-1",
      serviceAccountName: "checkout",
      initContainers: [{ name: "migrate", image: "shop/checkout:2026.11.1" }],
      containers: [
        {
          name: "main",
          image: "shop/checkout:2026.11.1",
          resources: { requests: { cpu: "250m", memory: "256Mi" }, limits: { memory: "512Mi" } },
        },
        { name: "metrics", image: "prom/statsd-exporter:v0.28.0" },
      ],
    },
    status: {
      phase: "Running",
      podIP: "10.42.1.17",
      qosClass: "Burstable",
      conditions: [
        {
          type: "Ready",
          status: "False",
          reason: "ContainersNotReady",
          message: "containers with unready status: [main]",
        },
        { type: "PodScheduled", status: "True", lastTransitionTime: ago(7_400) },
      ],
      initContainerStatuses: [
        {
          name: "migrate",
          ready: true,
          restartCount: 0,
          state: { terminated: { exitCode: 0, reason: "Completed", finishedAt: ago(7_300) } },
        },
      ],
      containerStatuses: [
        {
          name: "main",
          ready: false,
          restartCount: 41,
          state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 5m0s restarting failed container" } },
          lastState: { terminated: { exitCode: 137, reason: "OOMKilled" } },
        },
        { name: "metrics", ready: true, restartCount: 0, state: { running: { startedAt: ago(7_200) } } },
      ],
    },
  });
}

export function podList(count: number): Made[] {
  return Array.from({ length: count }, (_, n) => {
    const broken = n === 7;
    return make("Pod", "v1", `storefront-${String(n).padStart(3, "0")}`, "shop", {
      metadata: { labels: { app: "storefront" } },
      spec: { nodeName: `node-${(n % 3) + 1}`, containers: [{ name: "main", image: "shop/storefront:2026.11.3" }] },
      status: {
        phase: "Running",
        containerStatuses: [
          {
            name: "main",
            ready: !broken,
            restartCount: broken ? 12 : 0,
            state: broken ? { waiting: { reason: "CrashLoopBackOff" } } : { running: { startedAt: ago(90_000) } },
          },
        ],
      },
    });
  });
}

/** Line `n` of a container's log, as the kubelet gives it with times. */
export function logLine(container: string, n: number): string {
  const words =
    n % 7 === 3 ? 'level=warn msg="slow query" ms=812' : `level=info msg="order accepted" order=${1000 + n}`;
  return `${ago(600 - n)} ${container}: ${words}\n`;
}
