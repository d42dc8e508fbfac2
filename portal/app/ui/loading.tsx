import styles from "./loading.module.css";

/** A quiet placeholder; it shows itself only when the wait becomes noticeable. */
export function Loading({ what }: { what: string }) {
  return (
    <p className={styles.loading} role="status">
      <span className={styles.bar} aria-hidden="true" />
      Loading {what}…
    </p>
  );
}
