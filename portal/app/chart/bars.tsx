/** Bars from left to right (`barchart`) and from bottom to top (`columnchart`), side by side or stacked. */
import styles from "./chart.module.css";
import type { ChartData } from "./chart-data";
import { colorOf } from "./colors";
import { niceMarks, numberLabel } from "./scale";

interface DrawingProps {
  data: ChartData;
  label: string;
  width: number;
}

interface Piece {
  series: number;
  place: number;
  from: number;
  to: number;
  value: number;
}

/** Where each bar begins and ends, in values. */
export function piecesOf({ series, labels, stacked }: ChartData): Piece[] {
  return labels.flatMap((_, place) => {
    let top = 0;
    return series.flatMap(({ values }, index) => {
      const value = values[place];
      if (value === undefined) return [];
      const from = stacked ? top : 0;
      top = from + value;
      return [{ series: index, place, from, to: top, value }];
    });
  });
}

export function Bars(props: DrawingProps) {
  return props.data.kind === "bar" ? <Across {...props} /> : <Upright {...props} />;
}

function range(pieces: Piece[]): number[] {
  const ends = pieces.flatMap(({ from, to }) => [from, to]);
  return niceMarks(Math.min(0, ...ends), Math.max(0, ...ends));
}

const ROW = 26;
const FOOT = 22;

function Across({ data, label, width }: DrawingProps) {
  const pieces = piecesOf(data);
  const marks = range(pieces);
  const [least = 0, most = 1] = [marks[0], marks.at(-1)];
  const longest = Math.max(...data.labels.map((text) => text.length));
  const left = Math.min(width * 0.4, 7 * longest + 12);
  const letters = Math.max(4, Math.floor((left - 12) / 7));
  const lanes = data.stacked ? 1 : data.series.length;
  const row = Math.max(ROW, lanes * 12 + 6);
  const height = data.labels.length * row + FOOT;
  const x = (value: number) => left + ((value - least) / (most - least)) * (width - left - 44);
  const thick = Math.min(18, (row - 6) / lanes);
  return (
    <svg className={styles.drawing} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      {marks.map((mark) => (
        <g key={mark}>
          <line className={styles.grid} x1={x(mark)} x2={x(mark)} y1={0} y2={height - FOOT} />
          <text x={x(mark)} y={height - 6} textAnchor="middle">
            {numberLabel(mark)}
          </text>
        </g>
      ))}
      {data.labels.map((text, place) => (
        <text key={text} x={left - 8} y={place * row + row / 2 + 4} textAnchor="end">
          {shorten(text, letters)}
          <title>{text}</title>
        </text>
      ))}
      {pieces.map(({ series, place, from, to, value }) => {
        const y = place * row + (row - thick * lanes) / 2 + (data.stacked ? 0 : series * thick);
        return (
          <g key={`${place} ${series}`} className={colorOf(series)}>
            <rect
              className={styles.fill}
              x={Math.min(x(from), x(to))}
              y={y}
              width={Math.abs(x(to) - x(from))}
              height={Math.max(1, thick - 2)}
              rx={2}
            >
              <title>{`${data.labels[place]}, ${data.series[series]?.name}: ${numberLabel(value)}`}</title>
            </rect>
            {lanes === 1 && !data.stacked && (
              <text className={styles.value} x={Math.max(x(from), x(to)) + 6} y={y + thick / 2 + 3}>
                {numberLabel(value)}
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}

const HEIGHT = 300;
const LEFT = 48;

function Upright({ data, label, width }: DrawingProps) {
  const pieces = piecesOf(data);
  const marks = range(pieces);
  const [least = 0, most = 1] = [marks[0], marks.at(-1)];
  const column = (width - LEFT) / data.labels.length;
  const letters = Math.floor(column / 7);
  const longest = Math.max(...data.labels.map((text) => text.length));
  const turned = longest > letters;
  const foot = turned ? Math.min(110, longest * 5 + 20) : 26;
  const bottom = HEIGHT - foot;
  const y = (value: number) => 8 + (1 - (value - least) / (most - least)) * (bottom - 8);
  const lanes = data.stacked ? 1 : data.series.length;
  const thick = Math.min(46, (column * 0.72) / lanes);
  // Names that would run into each other: every second, every third …
  const every = Math.ceil(data.labels.length / Math.max(1, Math.floor((width - LEFT) / (turned ? 16 : 20))));
  return (
    <svg className={styles.drawing} viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={label}>
      {marks.map((mark) => (
        <g key={mark}>
          <line className={styles.grid} x1={LEFT} x2={width} y1={y(mark)} y2={y(mark)} />
          <text x={LEFT - 8} y={y(mark) + 4} textAnchor="end">
            {numberLabel(mark)}
          </text>
        </g>
      ))}
      {data.labels.map((text, place) => {
        const at = LEFT + (place + 0.5) * column;
        if (place % every !== 0) return null;
        return (
          <text
            key={text}
            x={at}
            y={bottom + 16}
            textAnchor={turned ? "end" : "middle"}
            transform={turned ? `rotate(-38 ${at} ${bottom + 14})` : undefined}
          >
            {shorten(text, turned ? 20 : letters)}
            <title>{text}</title>
          </text>
        );
      })}
      {pieces.map(({ series, place, from, to, value }) => (
        <rect
          key={`${place} ${series}`}
          className={`${styles.fill} ${colorOf(series)}`}
          x={LEFT + (place + 0.5) * column - (thick * lanes) / 2 + (data.stacked ? 0 : series * thick)}
          y={Math.min(y(from), y(to))}
          width={Math.max(1, thick - 2)}
          height={Math.abs(y(to) - y(from))}
          rx={2}
        >
          <title>{`${data.labels[place]}, ${data.series[series]?.name}: ${numberLabel(value)}`}</title>
        </rect>
      ))}
    </svg>
  );
}

export function shorten(text: string, letters: number): string {
  return text.length <= letters ? text : `${text.slice(0, Math.max(1, letters - 1))}…`;
}
