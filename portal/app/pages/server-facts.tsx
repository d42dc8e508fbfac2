/** A machine's properties as names and values, one function a card. */
import type { Resource } from "../api/resources";
import { ResourceStateMark } from "../components/resource-state";
import { TimeAgo } from "../components/time-ago";
import type { Fact } from "../ui/card";
import { Meter } from "../ui/meter";
import { list, number, text } from "../util/json";
import { count, formatBytes } from "../util/quantity";

export function systemFacts(p: unknown): Fact[] {
  return [
    { name: "System", value: text(p, "osSku") ?? text(p, "osName") },
    { name: "Version", value: text(p, "osVersion") },
    { name: "Kind", value: text(p, "osType") },
    { name: "Edition", value: text(p, "osEdition") },
    { name: "Computer name", value: text(p, "osProfile", "computerName") ?? text(p, "displayName") },
    { name: "Full name", value: text(p, "machineFqdn") ?? text(p, "dnsFqdn") },
    { name: "Domain", value: text(p, "domainName") },
  ].filter(({ name, value }) => value !== undefined || !["Edition", "Domain"].includes(name));
}

export function hardwareFacts(p: unknown): Fact[] {
  const memory =
    number(p, "hardwareProfile", "totalPhysicalMemoryInBytes") ??
    Number(text(p, "detectedProperties", "totalPhysicalMemoryInBytes"));
  const model = [text(p, "detectedProperties", "manufacturer"), text(p, "detectedProperties", "model")]
    .filter(Boolean)
    .join(" ");
  return [
    { name: "Model", value: model || undefined },
    { name: "Processor", value: processors(p) },
    { name: "Cores", value: cores(p) },
    { name: "Memory", value: memory > 0 ? formatBytes(memory) : undefined },
    {
      name: "Serial number",
      value: text(p, "firmwareProfile", "serialNumber") ?? text(p, "detectedProperties", "serialNumber"),
    },
    { name: "Cloud", value: cloud(p) },
    { name: "Hardware id", value: text(p, "vmUuid") },
  ];
}

function cloud(p: unknown): string | undefined {
  const provider = text(p, "cloudMetadata", "provider") ?? text(p, "detectedProperties", "cloudprovider");
  return provider?.toLowerCase() === "none" || provider === "N/A" ? "none detected" : provider;
}

function processors(p: unknown): string | undefined {
  const names = list(p, "hardwareProfile", "processors").flatMap((processor) => text(processor, "name") ?? []);
  const different = [...new Set(names)];
  const sockets = number(p, "hardwareProfile", "numberOfCpuSockets");
  const name = different.join(", ") || text(p, "detectedProperties", "processorNames");
  return name && sockets && sockets > 1 ? `${sockets} × ${name}` : name;
}

function cores(p: unknown): string | undefined {
  const physical = list(p, "hardwareProfile", "processors").reduce<number>(
    (sum, processor) => sum + (number(processor, "numberOfCores") ?? 0),
    0,
  );
  const detected = text(p, "detectedProperties", "coreCount");
  const logical = text(p, "detectedProperties", "logicalCoreCount");
  const known = physical > 0 ? String(physical) : detected;
  if (!known) return logical;
  return logical && logical !== known ? `${known} (${logical} logical)` : known;
}

export function storageFacts(p: unknown): Fact[] {
  const disks = list(p, "storageProfile", "disks");
  if (disks.length === 0) return [{ name: "Disks", value: undefined }];
  return disks.map((disk, index) => ({
    name: text(disk, "path") ?? text(disk, "name") ?? `Disk ${index + 1}`,
    value: <DiskSpace disk={disk} />,
  }));
}

function DiskSpace({ disk }: { disk: unknown }) {
  const size = number(disk, "maxSizeInBytes");
  const used = number(disk, "usedSpaceInBytes");
  if (size === undefined) return <>{text(disk, "diskType") ?? "size not reported"}</>;
  if (used === undefined) return <>{formatBytes(size)}</>;
  return <Meter value={used} max={size} label={`${formatBytes(used)} of ${formatBytes(size)} used`} />;
}

export function networkFacts(p: unknown): Fact[] {
  const interfaces = list(p, "networkProfile", "networkInterfaces");
  if (interfaces.length === 0) return [{ name: "Interfaces", value: undefined }];
  return interfaces.map((networkInterface, index) => ({
    name: text(networkInterface, "name") ?? `Interface ${index + 1}`,
    value: <Addresses networkInterface={networkInterface} />,
  }));
}

function Addresses({ networkInterface }: { networkInterface: unknown }) {
  const addresses = list(networkInterface, "ipAddresses").flatMap((ip) => {
    const address = text(ip, "address");
    const prefix = text(ip, "subnet", "addressPrefix")?.split("/").at(-1);
    return address ? (prefix ? `${address}/${prefix}` : address) : [];
  });
  const mac = text(networkInterface, "macAddress");
  return (
    <>
      {addresses.map((address) => (
        <div key={address}>{address}</div>
      ))}
      {mac && (
        <div>
          <code>{mac}</code>
        </div>
      )}
      {addresses.length === 0 && !mac && "no address"}
    </>
  );
}

export function agentFacts(machine: Resource): Fact[] {
  const p = machine.properties;
  return [
    { name: "Status", value: <ResourceStateMark resource={machine} /> },
    { name: "Since", value: <TimeAgo time={text(p, "lastStatusChange")} absent="–" /> },
    { name: "Reason", value: text(p, "statusReason") },
    { name: "Version", value: text(p, "agentVersion") },
    { name: "Mode", value: text(p, "agentConfiguration", "configMode") },
    { name: "Proxy", value: text(p, "agentConfiguration", "proxyUrl") },
  ].filter(({ name, value }) => value !== undefined || !["Reason", "Mode", "Proxy"].includes(name));
}

export function problemFacts(p: unknown): Fact[] {
  const problems = list(p, "errorDetails").map((error, index) => ({
    name: text(error, "code") ?? `Problem ${index + 1}`,
    value: text(error, "message"),
  }));
  return problems.length > 1 ? [{ name: "Reported", value: count(problems.length, "problem") }, ...problems] : problems;
}
