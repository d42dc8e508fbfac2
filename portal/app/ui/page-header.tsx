import type { ReactNode } from "react";
import styles from "./page-header.module.css";

/** The top of a page: where it is, what it is, its state, and what can be done. */
export function PageHeader({
  title,
  above,
  aside,
  below,
}: {
  title: string;
  above?: ReactNode;
  aside?: ReactNode;
  below?: ReactNode;
}) {
  return (
    <header className={styles.header}>
      {above && <div className={styles.above}>{above}</div>}
      <div className={styles.line}>
        <h1>{title}</h1>
        {aside && <div className={styles.aside}>{aside}</div>}
      </div>
      {below && <div className={styles.below}>{below}</div>}
    </header>
  );
}
