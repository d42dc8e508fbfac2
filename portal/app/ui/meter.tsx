import styles from "./meter.module.css";

/** How much of something is used: the words say it, the bar shows it. */
export function Meter({ value, max, label }: { value: number; max: number; label: string }) {
  return (
    <div className={styles.meter}>
      <span>{label}</span>
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" className={styles.bar} aria-hidden="true">
        <rect className={styles.track} width={100} height={4} rx={2} />
        <rect className={styles.fill} width={max > 0 ? Math.min(100, (100 * value) / max) : 0} height={4} rx={2} />
      </svg>
    </div>
  );
}
