import { lastSeen } from "../api/resource-facts";
import type { Resource } from "../api/resources";
import { formatAbsolute } from "../util/time";
import { TimeAgo } from "./time-ago";

/** When a resource's agent was last there: now, while its session lives. */
export function LastSeen({ resource }: { resource: Resource }) {
  const { now, at } = lastSeen(resource);
  if (now) return <span title={at && `Connected since ${formatAbsolute(at)}`}>now</span>;
  return <TimeAgo time={at} absent="never" />;
}
