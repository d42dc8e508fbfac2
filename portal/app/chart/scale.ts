/** Marks on an axis: round numbers, and times that people would choose. */

/** Round numbers from at or below `least` to at or above `most`. */
export function niceMarks(least: number, most: number, wanted = 5): number[] {
  if (!(most > least)) return least === 0 ? [0, 1] : niceMarks(Math.min(0, least), Math.max(0, least), wanted);
  const raw = (most - least) / wanted;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((factor) => factor * size >= raw) ?? 10) * size;
  const first = Math.floor(least / step);
  const last = Math.ceil(most / step);
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  1_000,
  10_000,
  30_000,
  MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  14 * DAY,
  30 * DAY,
  90 * DAY,
  365 * DAY,
];

/** Whole minutes, hours or days inside the range, in UTC. */
export function timeMarks(least: number, most: number, wanted = 6): number[] {
  const step = STEPS.find((one) => (most - least) / one <= wanted) ?? (most - least) / wanted;
  const first = Math.ceil(least / step);
  const marks: number[] = [];
  for (let at = first * step; at <= most; at += step) marks.push(at);
  return marks.length > 0 ? marks : [least];
}

/** As short as the distance between marks allows. */
export function timeLabel(at: number, span: number): string {
  const text = new Date(at).toISOString();
  if (span > 300 * DAY) return text.slice(0, 7);
  if (span > 2 * DAY) return text.slice(5, 10);
  if (span > DAY) return text.slice(5, 16).replace("T", " ");
  return span > 10 * MINUTE ? text.slice(11, 16) : text.slice(11, 19);
}

export function numberLabel(value: number): string {
  return Math.abs(value) >= 10_000
    ? new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(value)
    : new Intl.NumberFormat("en", { maximumFractionDigits: 3 }).format(value);
}
