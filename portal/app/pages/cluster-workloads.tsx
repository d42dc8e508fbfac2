import { useId } from "react";
import type { KubernetesObject } from "../api/inventory";
import { createdAt, workloadFacts } from "../api/kubernetes-facts";
import { Age } from "../components/age";
import { NamespaceBox } from "../components/namespace-box";
import type { Column } from "../table/table";
import { StateMark } from "../ui/state-mark";
import type { ResourcePath } from "../util/path-builder";
import { ClusterObjects } from "./cluster-objects";
import styles from "./cluster-page.module.css";

const KINDS: Record<string, [label: string, noun: string]> = {
  Deployment: ["Deployments", "deployment"],
  StatefulSet: ["Stateful sets", "stateful set"],
  DaemonSet: ["Daemon sets", "daemon set"],
  Job: ["Jobs", "job"],
  CronJob: ["Cron jobs", "cron job"],
  Pod: ["Pods", "pod"],
  Service: ["Services", "service"],
};
export const DEFAULT_KIND = "Deployment";

type Objects = Column<KubernetesObject>;
const NAME: Objects = {
  id: "name",
  header: "Name",
  cell: (w) => <span title={w.properties.name}>{w.properties.name}</span>,
};
const NAMESPACE: Objects = { id: "namespace", header: "Namespace", size: "large", cell: (w) => w.properties.namespace };
const STATE: Objects = {
  id: "state",
  header: "State",
  size: "large",
  cell: (w) => <StateMark {...workloadFacts(w).state} />,
};
const READY: Objects = {
  id: "ready",
  header: "Ready",
  size: "small",
  align: "end",
  cell: (w) => workloadFacts(w).ready,
};
const IMAGES: Objects = {
  id: "images",
  header: "Images",
  cell: (w) => <Images images={workloadFacts(w).images} />,
  from: "desktop",
};
const AGE: Objects = {
  id: "age",
  header: "Age",
  size: "small",
  align: "end",
  cell: (w) => <Age since={createdAt(w)} />,
};
const detail = (header: string): Objects => ({
  id: "detail",
  header,
  size: "large",
  cell: (w) => workloadFacts(w).detail,
});

function columnsOf(kind: string): Objects[] {
  if (kind === "Pod") return [NAME, NAMESPACE, STATE, READY, detail("Node"), IMAGES, AGE];
  if (kind === "Service")
    return [
      NAME,
      NAMESPACE,
      { ...STATE, header: "Kind of service" },
      { ...detail("Address and ports"), size: undefined },
      AGE,
    ];
  if (kind === "CronJob") return [NAME, NAMESPACE, STATE, detail("Schedule"), IMAGES, AGE];
  return [NAME, NAMESPACE, STATE, READY, IMAGES, AGE];
}

export interface WorkloadsSearch {
  kind?: string;
  namespace?: string;
}

interface ClusterWorkloadsProps {
  path: ResourcePath;
  search: WorkloadsSearch;
  onSearch: (search: WorkloadsSearch) => void;
}

export function ClusterWorkloads({ path, search, onSearch }: ClusterWorkloadsProps) {
  const kindBox = useId();
  const kind = search.kind && search.kind in KINDS ? search.kind : DEFAULT_KIND;
  const [label, noun] = KINDS[kind] ?? [kind, "object"];
  return (
    <>
      <div className={styles.controls}>
        <label htmlFor={kindBox}>
          Kind
          <select id={kindBox} value={kind} onChange={(event) => onSearch({ ...search, kind: event.target.value })}>
            {Object.entries(KINDS).map(([value, [name]]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <NamespaceBox
          cluster={path}
          value={search.namespace}
          onChange={(namespace) => onSearch({ ...search, namespace })}
        />
      </div>
      <ClusterObjects
        key={kind}
        cluster={path}
        kind={kind}
        namespace={search.namespace}
        label={label}
        noun={noun}
        columns={columnsOf(kind)}
      />
    </>
  );
}

function Images({ images }: { images: string[] }) {
  return <span title={images.join("\n")}>{images.map((image) => image.split("/").at(-1)).join(", ")}</span>;
}
