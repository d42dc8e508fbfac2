/** All of one row, with what is too long for a cell. */
import type { QueryColumn, QueryRow } from "../api/query";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { cellText } from "../util/csv";
import styles from "./query-page.module.css";

interface RowDialogProps {
  columns: readonly QueryColumn[];
  row: QueryRow;
  onClose: () => void;
}

export function RowDialog({ columns, row, onClose }: RowDialogProps) {
  return (
    <Dialog title="Row" onClose={onClose}>
      <dl className={styles.row}>
        {columns.map(({ name }, index) => {
          const value = row[index];
          return (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                {typeof value === "object" && value !== null ? (
                  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
                  <pre tabIndex={0}>{JSON.stringify(value, undefined, 2)}</pre>
                ) : (
                  cellText(value) || "–"
                )}
              </dd>
            </div>
          );
        })}
      </dl>
      <div className={styles.buttons}>
        <Button onClick={onClose}>Close</Button>
      </div>
    </Dialog>
  );
}
