import type { ReactNode } from "react";
import styles from "./notice.module.css";
import { StateShape } from "./state-mark";

/** Something the reader should know now, in the flow of the page. It is announced when it appears. */
export function Notice({ tone, children }: { tone: "bad" | "ended"; children: ReactNode }) {
  return (
    <div className={`${styles.notice} ${styles[tone]}`} role="status">
      <StateShape tone={tone} />
      <div>{children}</div>
    </div>
  );
}

/** The whole page has one thing to say: nothing is here, it may not be seen, it could not be read. */
export function Message({ title, children, actions }: { title: string; children: ReactNode; actions?: ReactNode }) {
  return (
    <section className={styles.message}>
      <h1>{title}</h1>
      <div className={styles.body}>{children}</div>
      {actions && <div className={styles.actions}>{actions}</div>}
    </section>
  );
}
