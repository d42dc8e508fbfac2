import { useNow } from "../hooks/use-now";
import { formatAbsolute, formatRelative, parseTime } from "../util/time";

/** A moment, relative in the text and absolute in the title. */
export function TimeAgo({ time, absent = null }: { time: Date | string | undefined; absent?: string | null }) {
  const now = useNow();
  const moment = time instanceof Date ? time : parseTime(time);
  if (!moment) return absent;
  return (
    <time dateTime={moment.toISOString()} title={formatAbsolute(moment)}>
      {formatRelative(moment, now)}
    </time>
  );
}
