/** Resources as the server would return them, for the scenarios. */
import type { Resource, Subscription } from "../app/api/__generated__/types.ts";

const TENANT = "5d1c1c52-9d3f-4a55-9ef5-0a7b7a2f1c11";

function subscription(subscriptionId: string, displayName: string) {
  const id = `/subscriptions/${subscriptionId}`;
  const type = "Microsoft.Resources/subscriptions";
  const known = { id, subscriptionId, tenantId: TENANT, displayName, state: "Enabled", name: subscriptionId, type };
  return known satisfies Subscription;
}

export const HOME = subscription("6f0c8b1e-0f0e-4c7a-9a53-0d6b7b6f2a10", "Production");
export const FACTORY = subscription("c2a1d9b4-53f7-4d0e-8f6e-5a1f3f1b9e22", "Factory floor");

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();
const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;
const GIB = 2 ** 30;

interface Described {
  name: string;
  group?: string;
  location?: string;
  tags?: Record<string, string>;
  subscription?: { id: string };
  properties?: Record<string, unknown>;
}

function resource(type: string, apiProperties: Record<string, unknown>, d: Described): Resource {
  const group = d.group ?? "demo";
  return {
    id: `${(d.subscription ?? HOME).id}/resourceGroups/${group}/providers/${type}/${d.name}`,
    name: d.name,
    type,
    location: d.location ?? "local",
    tags: d.tags ?? {},
    systemData: { createdBy: "admin", createdByType: "User", createdAt: ago(40 * DAY) },
    properties: { provisioningState: "Succeeded", ...apiProperties, ...d.properties },
  };
}

export function cluster(d: Described): Resource {
  return resource(
    "Microsoft.Kubernetes/connectedClusters",
    {
      connectivityStatus: "Connected",
      lastConnectivityTime: ago(3 * HOUR),
      kubernetesVersion: "1.36.1",
      distribution: "generic",
      infrastructure: "generic",
      totalNodeCount: 3,
      totalCoreCount: 24,
      agentVersion: "0.1.0",
      managedIdentityCertificateExpirationTime: ago(-81 * DAY),
      arcAgentProfile: { agentState: "Succeeded", agentAutoUpgrade: "Enabled", agentErrors: [] },
    },
    d,
  );
}

export function machine(d: Described): Resource {
  return resource(
    "Microsoft.HybridCompute/machines",
    {
      status: "Connected",
      lastStatusChange: ago(2 * HOUR),
      agentVersion: "0.1.0",
      osType: "linux",
      osName: "debian",
      osSku: "Debian GNU/Linux 12 (bookworm)",
      osVersion: "6.1.0-28-amd64",
      osProfile: { computerName: d.name },
      machineFqdn: `${d.name}.example.internal`,
      vmUuid: "4c4c4544-0051-3510-8052-b4c04f564433",
      hardwareProfile: {
        totalPhysicalMemoryInBytes: 64 * GIB,
        numberOfCpuSockets: 1,
        processors: [{ name: "AMD EPYC 9354P 32-Core Processor", numberOfCores: 32 }],
      },
      firmwareProfile: { serialNumber: "7H2K9X3", type: "UEFI" },
      detectedProperties: {
        manufacturer: "Dell Inc.",
        model: "PowerEdge R6615",
        coreCount: "32",
        logicalCoreCount: "64",
      },
      cloudMetadata: { provider: "none" },
      storageProfile: {
        disks: [
          { name: "nvme0n1", path: "/dev/nvme0n1", maxSizeInBytes: 960 * 1e9, usedSpaceInBytes: 311 * 1e9 },
          { name: "nvme1n1", path: "/dev/nvme1n1", maxSizeInBytes: 3_840 * 1e9, usedSpaceInBytes: 2_930 * 1e9 },
        ],
      },
      networkProfile: {
        networkInterfaces: [
          {
            name: "eno1",
            macAddress: "b4:45:06:1a:90:3c",
            ipAddresses: [
              { address: "10.20.4.17", ipAddressVersion: "IPv4", subnet: { addressPrefix: "10.20.4.0/24" } },
              {
                address: "fd12:3456:789a:4::17",
                ipAddressVersion: "IPv6",
                subnet: { addressPrefix: "fd12:3456:789a:4::/64" },
              },
            ],
          },
          { name: "eno2", macAddress: "b4:45:06:1a:90:3d", ipAddresses: [] },
        ],
      },
    },
    d,
  );
}

const prod = (more: Record<string, string> = {}) => ({ env: "prod", ...more });

export function fleet(): Resource[] {
  return [...clusters(), ...machines(), ...factory(), settings()];
}

function clusters(): Resource[] {
  return [
    cluster({
      name: "shop-eu-1",
      group: "shop",
      location: "aws-eu-central-1",
      tags: prod({ team: "checkout", tier: "1" }),
      properties: {
        distribution: "eks",
        infrastructure: "aws",
        totalNodeCount: 42,
        totalCoreCount: 672,
        kubernetesVersion: "1.35.4",
      },
    }),
    cluster({
      name: "shop-eu-2",
      group: "shop",
      location: "gcp-europe-west4",
      tags: prod({ team: "checkout" }),
      properties: { distribution: "gke", infrastructure: "gcp", totalNodeCount: 38, totalCoreCount: 608 },
    }),
    cluster({
      name: "shop-staging",
      group: "shop",
      location: "aws-eu-central-1",
      tags: { env: "staging" },
      properties: {
        distribution: "eks",
        infrastructure: "aws",
        connectivityStatus: "Connecting",
        lastConnectivityTime: undefined,
      },
    }),
    cluster({
      name: "analytics",
      group: "data",
      location: "frankfurt-dc",
      tags: prod({ team: "data", "cost-centre": "4711", owner: "lin" }),
      properties: { distribution: "rancher_rke", totalNodeCount: 12, totalCoreCount: 384 },
    }),
    cluster({
      name: "edge-hamburg",
      group: "edge",
      location: "hamburg",
      tags: { site: "ham" },
      properties: {
        distribution: "k3s",
        connectivityStatus: "Offline",
        lastConnectivityTime: ago(47 * MINUTE),
        totalNodeCount: 1,
        totalCoreCount: 8,
        arcAgentProfile: {
          agentState: "Failed",
          agentErrors: [
            {
              component: "inventory",
              severity: "Error",
              message: "The API server at https://10.0.0.1:6443 refused the connection.",
              time: ago(50 * MINUTE),
            },
          ],
        },
      },
    }),
    cluster({
      name: "edge-oslo",
      group: "edge",
      location: "oslo",
      tags: { site: "osl" },
      properties: {
        distribution: "k3s",
        connectivityStatus: "Expired",
        lastConnectivityTime: ago(96 * DAY),
        totalNodeCount: 1,
        totalCoreCount: 4,
      },
    }),
  ];
}

function machines(): Resource[] {
  return [
    machine({
      name: "db-01",
      group: "data",
      location: "frankfurt-dc",
      tags: prod({ role: "postgres", backup: "daily" }),
    }),
    machine({
      name: "db-02",
      group: "data",
      location: "frankfurt-dc",
      tags: prod({ role: "postgres", backup: "daily" }),
    }),
    machine({
      name: "db-03",
      group: "data",
      location: "frankfurt-dc",
      tags: prod({ role: "postgres" }),
      properties: { status: "Disconnected", lastStatusChange: ago(3 * MINUTE) },
    }),
    machine({
      name: "build-7",
      group: "ci",
      location: "frankfurt-dc",
      tags: { env: "dev" },
      properties: { osSku: "Ubuntu 24.04.2 LTS", osName: "ubuntu" },
    }),
    machine({
      name: "jump-1",
      group: "platform",
      location: "aws-eu-central-1",
      tags: prod(),
      properties: { cloudMetadata: { provider: "AWS" } },
    }),
    machine({
      name: "files-2",
      group: "office",
      location: "hamburg",
      tags: { site: "ham" },
      properties: {
        osType: "windows",
        osSku: "Windows Server 2025 Standard",
        osName: "windows",
        status: "Error",
        lastStatusChange: ago(26 * HOUR),
        errorDetails: [{ code: "AZCM0044", message: "The agent could not read the disk inventory: access denied." }],
      },
    }),
    machine({
      name: "kiosk-14",
      group: "edge",
      location: "oslo",
      tags: { site: "osl" },
      properties: { status: "AwaitingConnection", lastStatusChange: ago(20) },
    }),
  ];
}

function factory(): Resource[] {
  const place = { group: "line-3", location: "plant-1", subscription: FACTORY };
  return [
    machine({ name: "plc-gateway-1", ...place }),
    machine({ name: "plc-gateway-2", ...place }),
    cluster({ name: "vision", ...place }),
  ];
}

function settings(): Resource {
  return {
    id: `${HOME.id}/resourceGroups/edge/providers/Microsoft.Bowline/agentSettings/default`,
    name: "default",
    type: "Microsoft.Bowline/agentSettings",
    properties: { keepAliveSeconds: 20, logLevel: "info" },
  };
}
