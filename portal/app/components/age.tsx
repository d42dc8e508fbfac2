import { useNow } from "../hooks/use-now";
import { formatAbsolute, formatAge } from "../util/time";

/** How long something exists, as kubectl writes it; since when exactly is in the title. */
export function Age({ since }: { since: Date | undefined }) {
  const now = useNow();
  if (!since) return null;
  return (
    <time dateTime={since.toISOString()} title={formatAbsolute(since)}>
      {formatAge(since, now)}
    </time>
  );
}
