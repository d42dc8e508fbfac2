/** The columns of the list of everything. */
import { hasAgent, lastSeen, resourceGroupOf, stateOf, typeName } from "../api/resource-facts";
import type { Resource } from "../api/resources";
import { AppLink } from "../components/app-link";
import { LastSeen } from "../components/last-seen";
import { ResourceStateMark } from "../components/resource-state";
import type { Column } from "../table/table";
import { Icon, type IconName } from "../ui/icon";
import { TagsLine } from "../ui/tags";
import { pageOf } from "../util/path-builder";
import styles from "./resources-page.module.css";

const ICONS: Record<string, IconName> = { Cluster: "cluster", Server: "server" };

export const RESOURCE_COLUMNS: readonly Column<Resource>[] = [
  { id: "name", header: "Name", size: "name", cell: (r) => <NameLink resource={r} />, sortBy: (r) => r.name },
  {
    id: "type",
    header: "Type",
    size: "medium",
    from: "tablet",
    cell: (r) => (
      <span className={styles.type} title={r.type}>
        <Icon name={ICONS[typeName(r.type)] ?? "resource"} size={15} /> {typeName(r.type)}
      </span>
    ),
    sortBy: (r) => typeName(r.type),
  },
  {
    id: "state",
    header: "State",
    size: "medium",
    cell: (r) => <ResourceStateMark resource={r} />,
    sortBy: (r) => stateOf(r)?.label,
  },
  {
    id: "group",
    header: "Resource group",
    from: "tablet",
    size: "large",
    cell: resourceGroupOf,
    sortBy: resourceGroupOf,
  },
  {
    id: "location",
    header: "Location",
    size: "large",
    cell: (r) => r.location ?? "",
    sortBy: (r) => r.location,
    from: "desktop",
  },
  {
    id: "tags",
    header: "Tags",
    cell: (r) => <TagsLine tags={r.tags} />,
    sortBy: (r) => Object.entries(r.tags ?? {}).join(" ") || undefined,
    from: "desktop",
  },
  {
    id: "seen",
    header: "Last seen",
    size: "large",
    cell: (r) => hasAgent(r) && <LastSeen resource={r} />,
    sortBy: seenAt,
  },
];

function NameLink({ resource }: { resource: Resource }) {
  const page = pageOf(resource.id);
  return page ? (
    <AppLink to={page} className={styles.name}>
      {resource.name}
    </AppLink>
  ) : (
    <span className={styles.name}>{resource.name}</span>
  );
}

/** Milliseconds; what is there now comes after everything that was seen earlier. */
function seenAt(resource: Resource): number | undefined {
  if (!hasAgent(resource)) return undefined;
  const { now, at } = lastSeen(resource);
  return now ? Number.MAX_SAFE_INTEGER : at?.getTime();
}
