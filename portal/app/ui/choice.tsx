/** One of a few, as buttons with how many each would show. */
import type { ReactNode } from "react";
import styles from "./choice.module.css";

export function Choices({ legend, children }: { legend: string; children: ReactNode }) {
  return (
    <fieldset className={styles.choices}>
      <legend className="visually-hidden">{legend}</legend>
      {children}
    </fieldset>
  );
}

interface ChoiceProps {
  label: string;
  n?: number;
  pressed: boolean;
  onClick: () => void;
}

export function Choice({ label, n, pressed, onClick }: ChoiceProps) {
  return (
    <button type="button" aria-pressed={pressed} onClick={onClick}>
      {label}
      {n !== undefined && <span className={styles.count}> {n.toLocaleString("en")}</span>}
    </button>
  );
}
