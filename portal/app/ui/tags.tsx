import styles from "./tags.module.css";

/** A resource's tags. In a list only the first few are drawn; the title and screen readers have them all. */
export function Tags({ tags, limit }: { tags: Record<string, string> | undefined; limit?: number }) {
  const all = Object.entries(tags ?? {}).map(([key, value]) => (value === "" ? key : `${key}: ${value}`));
  if (all.length === 0) return null;
  const shown = limit === undefined ? all : all.slice(0, limit);
  const hidden = all.slice(shown.length);
  return (
    <span
      className={limit === undefined ? styles.wrapped : styles.line}
      title={limit === undefined ? undefined : all.join("\n")}
    >
      {shown.map((tag) => (
        <span key={tag} className={styles.tag}>
          {tag}
        </span>
      ))}
      {hidden.length > 0 && (
        <span className={styles.more}>
          +{hidden.length}
          <span className="visually-hidden"> more: {hidden.join(", ")}</span>
        </span>
      )}
    </span>
  );
}
