/**
 * A chart of an answer: a drawing with its title, axis and legend. The table of the same rows stays beside it, so that
 * nothing can be read from a drawing alone.
 */
import { useLayoutEffect, useRef, useState } from "react";
import { Bars } from "./bars";
import styles from "./chart.module.css";
import type { ChartData } from "./chart-data";
import { colorOf } from "./colors";
import { Lines } from "./lines";
import { Pie } from "./pie";

const LEAST_WIDTH = 260;

export function Chart({ data }: { data: ChartData }) {
  const frame = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(720);
  // The drawing is as wide as its place, so that its text keeps its size.
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setWidth(Math.max(LEAST_WIDTH, Math.round(entry.contentRect.width)));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const label = labelOf(data);
  return (
    <figure ref={frame} className={styles.chart} aria-label={label}>
      {data.title && <figcaption className={styles.title}>{data.title}</figcaption>}
      {data.kind === "pie" ? (
        <Pie data={data} label={label} />
      ) : data.kind === "bar" || data.kind === "column" ? (
        <Bars data={data} label={label} width={width} />
      ) : (
        <Lines data={data} label={label} width={width} />
      )}
      {data.kind !== "pie" && data.series.length > 1 && <Legend data={data} />}
      {data.left > 0 && <p className={styles.note}>{`${data.left} more are in the table and not drawn.`}</p>}
    </figure>
  );
}

function Legend({ data }: { data: ChartData }) {
  return (
    <ul className={styles.legend}>
      {data.series.map(({ name }, index) => (
        <li key={name} className={colorOf(index)}>
          <span className={`${styles.swatch} ${styles.back}`} aria-hidden="true" />
          {name}
        </li>
      ))}
    </ul>
  );
}

const WORDS = {
  bar: "Bar chart",
  column: "Column chart",
  line: "Line chart",
  area: "Area chart",
  scatter: "Scatter chart",
  pie: "Pie chart",
};

function labelOf({ kind, title, axis, series }: ChartData): string {
  const names = series.slice(0, 3).map(({ name }) => name);
  return `${title ? `${title}: ` : ""}${WORDS[kind]} of ${names.join(", ")}${series.length > 3 ? " and more" : ""} by ${axis}`;
}
