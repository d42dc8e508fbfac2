/** The filter above the list: a box for words, one for the type, and the states with their numbers. */
import { WordsBox } from "../components/words-box";
import { Choice, Choices } from "../ui/choice";
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
      <WordsBox
        value={search.q ?? ""}
        onChange={(q) => onSearch({ ...search, q: q || undefined })}
        placeholder="Name, group, location, tag…  ( / )"
      />
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
      <Choices legend="State">
        <Choice
          label="All"
          n={total}
          pressed={!search.state}
          onClick={() => onSearch({ ...search, state: undefined })}
        />
        {withChosen(states, search.state).map(([state, n]) => (
          <Choice
            key={state}
            label={state}
            n={n}
            pressed={search.state === state}
            onClick={() => onSearch({ ...search, state: search.state === state ? undefined : state })}
          />
        ))}
      </Choices>
    </search>
  );
}

/** A chosen value stays on offer when the last resource that had it is gone. */
function withChosen(values: Counted, chosen: string | undefined): Counted {
  return chosen === undefined || values.some(([value]) => value === chosen) ? values : [...values, [chosen, 0]];
}
