import styles from "./chart.module.css";

/** The class that gives a series its colour. */
export function colorOf(index: number): string {
  return styles[`color${index % 8}`] ?? "";
}
