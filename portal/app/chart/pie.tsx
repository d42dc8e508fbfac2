/** Parts of a whole, with their names, numbers and shares beside them. */
import styles from "./chart.module.css";
import type { ChartData } from "./chart-data";
import { colorOf } from "./colors";
import { numberLabel } from "./scale";

export function Pie({ data, label }: { data: ChartData; label: string }) {
  const values = data.labels.map((_, place) => Math.max(0, data.series[0]?.values[place] ?? 0));
  const total = values.reduce((sum, value) => sum + value, 0);
  let from = 0;
  const slices = values.map((value, index) => {
    const slice = { from, to: from + (total > 0 ? value / total : 0), value, name: data.labels[index] || "(empty)" };
    from = slice.to;
    return slice;
  });
  return (
    <div className={styles.pie}>
      <svg className={styles.drawing} viewBox="-100 -100 200 200" role="img" aria-label={label}>
        {slices.map((slice, index) => (
          <path key={slice.name} className={`${styles.slice} ${colorOf(index)}`} d={sliceOf(slice.from, slice.to)}>
            <title>{`${slice.name}: ${numberLabel(slice.value)}`}</title>
          </path>
        ))}
      </svg>
      <ul className={styles.legend}>
        {slices.map(({ name, value, from: begin, to }, index) => (
          <li key={name} className={colorOf(index)}>
            <span className={`${styles.swatch} ${styles.back}`} aria-hidden="true" />
            <span>{name}</span>
            <span className={styles.number}>{`${numberLabel(value)} · ${Math.round((to - begin) * 100)} %`}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** A slice of a circle with the radius 98 from one share of a turn to another, clockwise from the top. */
export function sliceOf(from: number, to: number): string {
  if (to - from >= 0.9999) return "M0 -98A98 98 0 1 1 0 98A98 98 0 1 1 0 -98Z";
  const at = (share: number) => {
    const angle = 2 * Math.PI * share;
    return `${(98 * Math.sin(angle)).toFixed(2)} ${(-98 * Math.cos(angle)).toFixed(2)}`;
  };
  return `M0 0L${at(from)}A98 98 0 ${to - from > 0.5 ? 1 : 0} 1 ${at(to)}Z`;
}
