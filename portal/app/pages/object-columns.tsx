/** The columns of each kind's list, and the words for its rows. */
import type { ClusterObject } from "../api/cluster-objects";
import { createdAt, eventFacts, nodeFacts, workloadFacts } from "../api/kubernetes-facts";
import { objectKind } from "../api/object-kinds";
import { Age } from "../components/age";
import { AppLink } from "../components/app-link";
import { TimeAgo } from "../components/time-ago";
import type { Column } from "../table/table";
import { StateMark } from "../ui/state-mark";
import { paths, type ResourcePath } from "../util/path-builder";

type Objects = Column<ClusterObject>;

/** For columns whose order the server makes: the value is not looked at here. */
const BY_SERVER = () => undefined;

function nameColumn(cluster: ResourcePath): Objects {
  return {
    id: "name",
    header: "Name",
    sortBy: BY_SERVER,
    cell: (row) => (
      <span title={row.name}>
        <AppLink to={paths.object(cluster, row)}>{row.name}</AppLink>
      </span>
    ),
  };
}

const NAMESPACE: Objects = {
  id: "namespace",
  header: "Namespace",
  size: "medium",
  sortBy: BY_SERVER,
  cell: (row) => row.namespace,
};
const AGE: Objects = {
  id: "age",
  header: "Age",
  size: "small",
  align: "end",
  sortBy: BY_SERVER,
  cell: (row) => <Age since={createdAt(row)} />,
};
const READY: Objects = {
  id: "ready",
  header: "Ready",
  size: "small",
  align: "end",
  cell: (row) => workloadFacts(row).ready,
};
const RESTARTS: Objects = {
  id: "restarts",
  header: "Restarts",
  size: "small",
  align: "end",
  from: "tablet",
  cell: (row) => workloadFacts(row).restarts,
};
const IMAGES: Objects = {
  id: "images",
  header: "Images",
  from: "desktop",
  cell: (row) => <Images images={workloadFacts(row).images} />,
};

const state = (header = "State"): Objects => ({
  id: "state",
  header,
  size: "large",
  cell: (row) => <StateMark {...workloadFacts(row).state} title={workloadFacts(row).state.label} />,
});
const detail = (header: string, size?: Objects["size"]): Objects => ({
  id: "detail",
  header,
  size,
  from: "tablet",
  cell: (row) => <span title={workloadFacts(row).detail}>{workloadFacts(row).detail}</span>,
});

const OTHER_COLUMNS: Record<string, Objects[]> = {
  Pod: [state(), READY, RESTARTS, detail("Node", "medium"), IMAGES],
  CronJob: [state(), detail("Schedule", "medium"), IMAGES],
  Service: [state("Kind of service"), detail("Address and ports")],
  Ingress: [state("Class"), detail("Hosts")],
  NetworkPolicy: [state("For"), detail("Pods")],
  PersistentVolumeClaim: [state(), detail("Size, class, volume")],
  PersistentVolume: [state(), detail("Size, class, claim")],
  StorageClass: [state("Kind of class"), detail("Provisioner")],
  ConfigMap: [],
  ServiceAccount: [],
  ResourceQuota: [],
  HorizontalPodAutoscaler: [],
};

export function columnsOf(cluster: ResourcePath, kind: string): Objects[] {
  const name = nameColumn(cluster);
  if (kind === "Node") return [name, ...NODE_COLUMNS, AGE];
  if (kind === "Event") return EVENT_COLUMNS(cluster);
  const places = objectKind(kind)?.clusterWide ? [] : [NAMESPACE];
  return [name, ...places, ...(OTHER_COLUMNS[kind] ?? [state(), READY, IMAGES]), AGE];
}

const NODE_COLUMNS: Objects[] = [
  { id: "state", header: "State", size: "medium", cell: (n) => <StateMark {...nodeFacts(n).state} /> },
  { id: "roles", header: "Roles", size: "medium", cell: (n) => nodeFacts(n).roles },
  { id: "version", header: "Kubelet", size: "medium", cell: (n) => nodeFacts(n).version, from: "tablet" },
  { id: "cpu", header: "Cores", size: "small", align: "end", cell: (n) => nodeFacts(n).cpu, from: "tablet" },
  { id: "memory", header: "Memory", size: "small", align: "end", cell: (n) => nodeFacts(n).memory, from: "tablet" },
  { id: "address", header: "Address", size: "medium", cell: (n) => nodeFacts(n).address, from: "desktop" },
  { id: "system", header: "System", size: "large", cell: (n) => nodeFacts(n).system, from: "desktop" },
];

const EVENT_COLUMNS = (cluster: ResourcePath): Objects[] => [
  {
    id: "last",
    header: "Last",
    size: "medium",
    sortBy: BY_SERVER,
    cell: (e) => <TimeAgo time={eventFacts(e).last} />,
  },
  { id: "type", header: "Type", size: "medium", cell: (e) => <StateMark {...eventFacts(e).state} />, from: "tablet" },
  { id: "reason", header: "Reason", size: "medium", cell: (e) => eventFacts(e).reason },
  { id: "about", header: "About", size: "large", cell: (e) => <About cluster={cluster} event={e} /> },
  { ...NAMESPACE, from: "desktop" },
  {
    id: "message",
    header: "Message",
    from: "tablet",
    cell: (e) => <span title={eventFacts(e).message}>{eventFacts(e).message}</span>,
  },
  { id: "times", header: "Times", size: "small", align: "end", cell: (e) => eventFacts(e).times, from: "tablet" },
];

/** What an event is about, and the way there where the portal has one. */
function About({ cluster, event }: { cluster: ResourcePath; event: ClusterObject }) {
  const { about, aboutKind, aboutName } = eventFacts(event);
  const known = aboutKind && aboutName ? objectKind(aboutKind) : undefined;
  const namespace = known?.clusterWide ? "" : event.namespace;
  return (
    <span title={about}>
      {known && aboutName ? (
        <AppLink to={paths.object(cluster, { kind: known.kind, namespace, name: aboutName })}>{about}</AppLink>
      ) : (
        about
      )}
    </span>
  );
}

function Images({ images }: { images: string[] }) {
  return <span title={images.join("\n")}>{images.map((image) => image.split("/").at(-1)).join(", ")}</span>;
}
