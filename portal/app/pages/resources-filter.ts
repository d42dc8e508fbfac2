/** Which resources a list shows: words that must all be found, a type, a state. Pure, so that it is tested as data. */
import { resourceGroupOf, stateOf, typeName } from "../api/resource-facts";
import type { Resource } from "../api/resources";

export interface ResourcesFilter {
  q?: string;
  type?: string;
  state?: string;
}

export function filterResources(resources: readonly Resource[], filter: ResourcesFilter): Resource[] {
  const words = (filter.q ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  return resources.filter((resource) => {
    if (filter.type && typeName(resource.type) !== filter.type) return false;
    if (filter.state && stateOf(resource)?.label !== filter.state) return false;
    if (words.length === 0) return true;
    const text = searchText(resource);
    return words.every((word) => text.includes(word));
  });
}

function searchText(resource: Resource): string {
  const tags = Object.entries(resource.tags ?? {}).map(([key, value]) => `${key}=${value} ${key}:${value}`);
  const parts = [
    resource.name,
    typeName(resource.type),
    resource.type,
    stateOf(resource)?.label,
    resourceGroupOf(resource),
    resource.location,
  ];
  return [...parts, ...tags].join(" ").toLowerCase();
}

/** The values of a column with how often each occurs, most frequent first. */
export function countBy(
  resources: readonly Resource[],
  value: (resource: Resource) => string | undefined,
): Array<[value: string, count: number]> {
  const counts = new Map<string, number>();
  for (const resource of resources) {
    const key = value(resource);
    if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].sort(([a, n], [b, m]) => m - n || a.localeCompare(b));
}
