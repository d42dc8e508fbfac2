/** A box for words to filter by; the key / goes to it from anywhere on the page. */
import { useEffect, useRef, useState } from "react";
import { Icon } from "../ui/icon";
import styles from "./words-box.module.css";

interface WordsBoxProps {
  value: string;
  onChange: (value: string) => void;
  placeholder: string;
  /** How long typing must rest before it counts, where every change asks the server. */
  delay?: number;
}

export function WordsBox({ value, onChange, placeholder, delay = 0 }: WordsBoxProps) {
  const input = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(value);
  const told = useRef(onChange);
  told.current = onChange;
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed === value || delay === 0) return;
    const timer = setTimeout(() => told.current(typed), delay);
    return () => clearTimeout(timer);
  }, [typed, value, delay]);
  useEffect(() => {
    const focusOnSlash = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, select, textarea");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    document.addEventListener("keydown", focusOnSlash);
    return () => document.removeEventListener("keydown", focusOnSlash);
  }, []);
  return (
    <div className={styles.words}>
      <Icon name="search" size={15} />
      <input
        ref={input}
        type="search"
        aria-label="Filter"
        aria-keyshortcuts="/"
        placeholder={placeholder}
        value={delay === 0 ? value : typed}
        onChange={(event) => (delay === 0 ? onChange(event.target.value) : setTyped(event.target.value))}
      />
    </div>
  );
}
