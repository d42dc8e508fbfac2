import styles from "./tags.module.css";

type TagMap = Record<string, string> | undefined;

/** A resource's tags, each in a box. */
export function Tags({ tags }: { tags: TagMap }) {
  return (
    <span className={styles.wrapped}>
      {words(tags).map((tag) => (
        <span key={tag} className={styles.tag}>
          {tag}
        </span>
      ))}
    </span>
  );
}

/** The same in one line of a table, cut where the column ends; the title has them all. */
export function TagsLine({ tags }: { tags: TagMap }) {
  const all = words(tags);
  if (all.length === 0) return null;
  return (
    <span className={styles.line} title={all.join("\n")}>
      {all.join(", ")}
    </span>
  );
}

function words(tags: TagMap): string[] {
  return Object.entries(tags ?? {}).map(([key, value]) => (value === "" ? key : `${key}: ${value}`));
}
