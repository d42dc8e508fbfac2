import type { KubernetesObject } from "../api/inventory";
import { createdAt, nodeFacts } from "../api/kubernetes-facts";
import { Age } from "../components/age";
import type { Column } from "../table/table";
import { StateMark } from "../ui/state-mark";
import type { ResourcePath } from "../util/path-builder";
import { ClusterObjects } from "./cluster-objects";

const COLUMNS: readonly Column<KubernetesObject>[] = [
  { id: "name", header: "Name", cell: (n) => <span title={n.properties.name}>{n.properties.name}</span> },
  { id: "state", header: "State", size: "medium", cell: (n) => <StateMark {...nodeFacts(n).state} /> },
  { id: "roles", header: "Roles", size: "medium", cell: (n) => nodeFacts(n).roles },
  { id: "version", header: "Kubelet", size: "medium", cell: (n) => nodeFacts(n).version },
  { id: "cpu", header: "Cores", size: "small", align: "end", cell: (n) => nodeFacts(n).cpu },
  { id: "memory", header: "Memory", size: "small", align: "end", cell: (n) => nodeFacts(n).memory },
  { id: "address", header: "Address", size: "medium", cell: (n) => nodeFacts(n).address, from: "desktop" },
  { id: "system", header: "System", size: "large", cell: (n) => nodeFacts(n).system, from: "desktop" },
  { id: "age", header: "Age", size: "small", align: "end", cell: (n) => <Age since={createdAt(n)} /> },
];

export function ClusterNodes({ path }: { path: ResourcePath }) {
  return <ClusterObjects cluster={path} kind="Node" label="Nodes" noun="node" columns={COLUMNS} />;
}
