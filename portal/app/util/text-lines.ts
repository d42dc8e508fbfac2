/** The lines of a text that comes in pieces: the newest of them, and how many went before. */

export interface LineBuffer {
  readonly lines: readonly string[];
  /** Lines that were dropped, because only so many are kept. */
  readonly dropped: number;
  /** What came after the last line's end. */
  readonly rest: string;
}

export const NO_LINES: LineBuffer = { lines: [], dropped: 0, rest: "" };
// A program that never ends its line must not fill the page's memory.
const LONGEST_LINE = 64 * 1024;

export function addText(buffer: LineBuffer, text: string, most: number): LineBuffer {
  const pieces = (buffer.rest + text).split("\n");
  let rest = pieces.pop() ?? "";
  if (rest.length > LONGEST_LINE) {
    pieces.push(rest);
    rest = "";
  }
  const lines =
    pieces.length === 0 ? buffer.lines : [...buffer.lines, ...pieces.map((line) => line.replace(/\r$/, ""))];
  const over = Math.max(0, lines.length - most);
  return { lines: over > 0 ? lines.slice(over) : lines, dropped: buffer.dropped + over, rest };
}

/** The kubelet's time at the beginning of a line, and what the container wrote. */
export function splitTime(line: string): [time: string, said: string] {
  const [, time = "", said = line] = /^(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) ?(.*)$/s.exec(line) ?? [];
  return [time, said];
}
