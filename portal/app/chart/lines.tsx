/** Values over a time, a number or names: lines, stacked areas, points. */
import { shorten } from "./bars";
import styles from "./chart.module.css";
import type { ChartData } from "./chart-data";
import { colorOf } from "./colors";
import { niceMarks, numberLabel, timeLabel, timeMarks } from "./scale";

const HEIGHT = 300;
const LEFT = 48;
const RIGHT = 12;
const BOTTOM = HEIGHT - 26;

interface Point {
  x: number;
  y: number;
  base: number;
  place: number;
  value: number;
}

export function Lines({ data, label, width }: { data: ChartData; label: string; width: number }) {
  const positions = data.positions ?? data.labels.map((_, index) => index);
  const [first = 0, last = 1] = [Math.min(...positions), Math.max(...positions)];
  const span = last - first || 1;
  const x = (at: number) =>
    last === first ? (LEFT + width - RIGHT) / 2 : LEFT + ((at - first) / span) * (width - LEFT - RIGHT);
  const tops = stack(data);
  const values = tops.flat().flatMap((one) => (one ? [one.to] : []));
  const marks = niceMarks(Math.min(0, ...values), Math.max(0, ...values));
  const [least = 0, most = 1] = [marks[0], marks.at(-1)];
  const y = (value: number) => 8 + (1 - (value - least) / (most - least)) * (BOTTOM - 8);
  const drawn = tops.map((ends) =>
    ends.flatMap((end, place): Point[] =>
      end ? [{ x: x(positions[place] ?? 0), y: y(end.to), base: y(end.from), place, value: end.to - end.from }] : [],
    ),
  );
  const dots = data.kind === "scatter" || data.labels.length <= 60;
  return (
    <svg className={styles.drawing} viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={label}>
      {marks.map((mark) => (
        <g key={mark}>
          <line className={styles.grid} x1={LEFT} x2={width - RIGHT} y1={y(mark)} y2={y(mark)} />
          <text x={LEFT - 8} y={y(mark) + 4} textAnchor="end">
            {numberLabel(mark)}
          </text>
        </g>
      ))}
      <line className={styles.axis} x1={LEFT} x2={width - RIGHT} y1={y(0)} y2={y(0)} />
      {axisMarks(data, positions, width).map(([at, text]) => (
        <text key={at} x={x(at)} y={HEIGHT - 8} textAnchor="middle">
          {text}
        </text>
      ))}
      {drawn.map((points, index) => (
        <g key={data.series[index]?.name} className={colorOf(index)}>
          {data.kind === "area" && <path className={styles.area} d={areaOf(points)} />}
          {data.kind !== "scatter" && <path className={styles.line} d={pathOf(points)} />}
          {dots &&
            points.map((point) => (
              <circle key={point.place} className={styles.fill} cx={point.x} cy={point.y} r={3}>
                <title>{`${data.labels[point.place]}, ${data.series[index]?.name}: ${numberLabel(point.value)}`}</title>
              </circle>
            ))}
        </g>
      ))}
    </svg>
  );
}

/** From where to where each value goes: areas stand on each other. */
function stack({ series, labels, stacked }: ChartData): Array<Array<{ from: number; to: number } | undefined>> {
  const tops = labels.map(() => 0);
  return series.map(({ values }) =>
    labels.map((_, place) => {
      const value = values[place];
      if (value === undefined) return undefined;
      const from = stacked ? (tops[place] ?? 0) : 0;
      tops[place] = from + value;
      return { from, to: from + value };
    }),
  );
}

function pathOf(points: Point[]): string {
  return points.map(({ x, y }, index) => `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
}

function areaOf(points: Point[]): string {
  const back = points.toReversed().map(({ x, base }) => `L${x.toFixed(1)} ${base.toFixed(1)}`);
  return points.length === 0 ? "" : `${pathOf(points)}${back.join("")}Z`;
}

function axisMarks(data: ChartData, positions: number[], width: number): Array<[at: number, text: string]> {
  const most = Math.max(2, Math.floor(width / 110));
  const [first = 0, last = 1] = [Math.min(...positions), Math.max(...positions)];
  if (data.time) return timeMarks(first, last, most).map((at) => [at, timeLabel(at, last - first)]);
  if (data.positions) {
    const marks = niceMarks(first, last, most).filter((mark) => mark >= first && mark <= last);
    return marks.map((at) => [at, numberLabel(at)]);
  }
  const every = Math.ceil(data.labels.length / most);
  return data.labels.flatMap((text, index) =>
    index % every === 0 ? [[index, shorten(text, 14)] as [number, string]] : [],
  );
}
