/** A state as a word and a shape. The colour only repeats what both say. */
import styles from "./state-mark.module.css";

export type Tone = "good" | "waiting" | "bad" | "ended" | "neutral";

export function StateMark({ label, tone, title }: { label: string; tone: Tone; title?: string }) {
  return (
    <span className={styles.state} title={title}>
      <StateShape tone={tone} />
      <span className={styles.label}>{label}</span>
    </span>
  );
}

/** Filled disc: good. Ring: under way. Crossed disc: bad. Diamond: ended. Bar: nothing to say. */
export function StateShape({ tone }: { tone: Tone }) {
  return (
    <svg className={`${styles.shape} ${styles[tone]}`} width={10} height={10} viewBox="0 0 10 10" aria-hidden="true">
      {tone === "good" && <circle cx={5} cy={5} r={4.5} fill="currentColor" />}
      {tone === "waiting" && (
        <circle cx={5} cy={5} r={3.6} fill="none" stroke="currentColor" strokeWidth={1.8} strokeDasharray="3 2" />
      )}
      {tone === "bad" && (
        <path
          d="M1.2 1.2l7.6 7.6M8.8 1.2L1.2 8.8"
          fill="none"
          stroke="currentColor"
          strokeWidth={2.2}
          strokeLinecap="round"
        />
      )}
      {tone === "ended" && <path d="M5 .4L9.6 5 5 9.6.4 5z" fill="none" stroke="currentColor" strokeWidth={1.7} />}
      {tone === "neutral" && <path d="M1 5h8" stroke="currentColor" strokeWidth={2} strokeLinecap="round" />}
    </svg>
  );
}
