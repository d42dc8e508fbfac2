/**
 * The kinds of Kubernetes objects that the portal has lists for: what they are called, where the cluster's API has them,
 * and which of them need attention, as a condition in KQL. The end-to-end tests run every condition on the server.
 */
import kinds from "./object-kinds.json";

export interface ObjectKind {
  kind: string;
  /** Of the list. */
  label: string;
  /** What one of them is called, in the middle of a sentence. */
  noun: string;
  /** Several, where an s does not do it. */
  many?: string;
  /** Under what the list of kinds has it; none for those with a tab of their own. */
  group: string;
  /** The API's group and version as a path, and the name in it. */
  api: string;
  plural: string;
  /** Whether it lies in no namespace. */
  clusterWide?: boolean;
  /** Whether agents do not watch it: its list comes from the cluster itself. */
  live?: boolean;
  /** In KQL: whether somebody should look at it. */
  wrong?: string;
}

export const OBJECT_KINDS: readonly ObjectKind[] = kinds;

export function objectKind(kind: string): ObjectKind | undefined {
  return OBJECT_KINDS.find((one) => one.kind === kind);
}

/** The kinds of the list, by group. */
export function kindGroups(): Array<[group: string, kinds: ObjectKind[]]> {
  const groups = new Map<string, ObjectKind[]>();
  for (const kind of OBJECT_KINDS) {
    if (kind.group) groups.set(kind.group, [...(groups.get(kind.group) ?? []), kind]);
  }
  return [...groups];
}
