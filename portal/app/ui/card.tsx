import { type ReactNode, useId } from "react";
import styles from "./card.module.css";

/** A titled group of facts or a table: a region that screen readers list by its title. */
export function Card({ title, wide = false, children }: { title: string; wide?: boolean; children: ReactNode }) {
  const heading = useId();
  return (
    <section className={`${styles.card} ${wide ? styles.wide : ""}`} aria-labelledby={heading}>
      <h2 id={heading} className={styles.title}>
        {title}
      </h2>
      {children}
    </section>
  );
}

export function CardGrid({ children }: { children: ReactNode }) {
  return <div className={styles.grid}>{children}</div>;
}

export interface Fact {
  name: string;
  value: ReactNode;
}

/** Names and values. A value that nobody reported is a dash, so that its absence is visible. */
export function Facts({ facts }: { facts: Fact[] }) {
  return (
    <dl className={styles.facts}>
      {facts.map(({ name, value }) => (
        <div key={name} className={styles.fact}>
          <dt>{name}</dt>
          <dd>
            {value ?? (
              <span className={styles.absent}>
                –<span className="visually-hidden"> not reported</span>
              </span>
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}
