/** What the portal needs to know of an ARM id. Ids compare without regard to case and are shown as written. */
export interface ResourceIdParts {
  subscriptionId: string;
  resourceGroupName: string | undefined;
  /** The full type, e.g. `Microsoft.Kubernetes/connectedClusters`; of an extension resource the last provider's. */
  type: string | undefined;
  name: string;
}

export function parseResourceId(id: string): ResourceIdParts | undefined {
  const segments = id.split("/").slice(1);
  const subscriptionId = valueAfter(segments, "subscriptions");
  const name = segments.at(-1);
  if (!subscriptionId || !name) return undefined;
  return { subscriptionId, resourceGroupName: valueAfter(segments, "resourcegroups"), type: typeOf(segments), name };
}

/** The form under which ids are compared and kept. */
export function normalizeId(id: string): string {
  return id.toLowerCase();
}

function valueAfter(segments: string[], key: string): string | undefined {
  const at = segments.findIndex((segment, index) => index % 2 === 0 && segment.toLowerCase() === key);
  return at < 0 ? undefined : segments[at + 1];
}

function typeOf(segments: string[]): string | undefined {
  const at = segments.findLastIndex((segment) => segment.toLowerCase() === "providers");
  if (at < 0) return undefined;
  const [namespace, ...rest] = segments.slice(at + 1);
  const types = rest.filter((_, index) => index % 2 === 0);
  return namespace && types.length > 0 ? [namespace, ...types].join("/") : undefined;
}
