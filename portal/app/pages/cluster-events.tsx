import type { KubernetesObject } from "../api/inventory";
import { eventFacts } from "../api/kubernetes-facts";
import { NamespaceBox } from "../components/namespace-box";
import { TimeAgo } from "../components/time-ago";
import type { Column } from "../table/table";
import { StateMark } from "../ui/state-mark";
import type { ResourcePath } from "../util/path-builder";
import { ClusterObjects } from "./cluster-objects";
import styles from "./cluster-page.module.css";

const COLUMNS: readonly Column<KubernetesObject>[] = [
  { id: "last", header: "Last", size: "medium", cell: (e) => <TimeAgo time={eventFacts(e).last} /> },
  { id: "type", header: "Type", size: "medium", cell: (e) => <StateMark {...eventFacts(e).state} /> },
  { id: "reason", header: "Reason", size: "large", cell: (e) => eventFacts(e).reason },
  {
    id: "about",
    header: "About",
    size: "large",
    cell: (e) => <span title={eventFacts(e).about}>{eventFacts(e).about}</span>,
  },
  { id: "namespace", header: "Namespace", size: "medium", cell: (e) => e.properties.namespace, from: "desktop" },
  { id: "message", header: "Message", cell: (e) => <span title={eventFacts(e).message}>{eventFacts(e).message}</span> },
  { id: "times", header: "Times", size: "small", align: "end", cell: (e) => eventFacts(e).times },
];

interface ClusterEventsProps {
  path: ResourcePath;
  search: { namespace?: string };
  onSearch: (search: { namespace?: string }) => void;
}

export function ClusterEvents({ path, search, onSearch }: ClusterEventsProps) {
  return (
    <>
      <div className={styles.controls}>
        <NamespaceBox cluster={path} value={search.namespace} onChange={(namespace) => onSearch({ namespace })} />
      </div>
      <ClusterObjects
        cluster={path}
        kind="Event"
        namespace={search.namespace}
        label="Events"
        noun="event"
        columns={COLUMNS}
        order={newestFirst}
      />
    </>
  );
}

function newestFirst(a: KubernetesObject, b: KubernetesObject): number {
  return (eventFacts(b).last?.getTime() ?? 0) - (eventFacts(a).last?.getTime() ?? 0);
}
