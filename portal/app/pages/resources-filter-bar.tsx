/** The filter above the list: a box for words, one for the type, and the states with their numbers. */
import { useEffect, useRef } from "react";
import { Icon } from "../ui/icon";
import type { ResourcesSearch } from "./resources-page";
import styles from "./resources-page.module.css";

type Counted = Array<[value: string, count: number]>;

interface FilterBarProps {
  search: ResourcesSearch;
  onSearch: (search: ResourcesSearch) => void;
  states: Counted;
  types: Counted;
  total: number;
}

export function FilterBar({ search, onSearch, states, types, total }: FilterBarProps) {
  return (
    <search className={styles.filter}>
      <WordsBox value={search.q ?? ""} onChange={(q) => onSearch({ ...search, q: q || undefined })} />
      <select
        aria-label="Type"
        value={search.type ?? ""}
        onChange={(event) => onSearch({ ...search, type: event.target.value || undefined })}
      >
        <option value="">All types</option>
        {withChosen(types, search.type).map(([type, n]) => (
          <option key={type} value={type}>{`${type} (${n})`}</option>
        ))}
      </select>
      <fieldset className={styles.states}>
        <legend className="visually-hidden">State</legend>
        <StateButton
          label="All"
          n={total}
          pressed={!search.state}
          onClick={() => onSearch({ ...search, state: undefined })}
        />
        {withChosen(states, search.state).map(([state, n]) => (
          <StateButton
            key={state}
            label={state}
            n={n}
            pressed={search.state === state}
            onClick={() => onSearch({ ...search, state: search.state === state ? undefined : state })}
          />
        ))}
      </fieldset>
    </search>
  );
}

/** A chosen value stays on offer when the last resource that had it is gone. */
function withChosen(values: Counted, chosen: string | undefined): Counted {
  return chosen === undefined || values.some(([value]) => value === chosen) ? values : [...values, [chosen, 0]];
}

function StateButton({
  label,
  n,
  pressed,
  onClick,
}: {
  label: string;
  n: number;
  pressed: boolean;
  onClick: () => void;
}) {
  return (
    <button type="button" aria-pressed={pressed} onClick={onClick}>
      {label} <span className={styles.count}>{n.toLocaleString("en")}</span>
    </button>
  );
}

function WordsBox({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
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
        placeholder="Name, group, location, tag…  ( / )"
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  );
}
