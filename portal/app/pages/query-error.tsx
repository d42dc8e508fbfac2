/** Why a query has no answer: each finding is a way to its place. */
import { ApiError } from "../api/http";
import type { QueryFinding } from "../api/query";
import { Notice } from "../ui/notice";
import styles from "./query-page.module.css";

interface QueryErrorProps {
  error: unknown;
  findings: QueryFinding[];
  onPlace: (line: number, column: number) => void;
}

export function QueryError({ error, findings, onPlace }: QueryErrorProps) {
  const correlation = error instanceof ApiError && error.status >= 500 ? error.correlationId : undefined;
  return (
    <Notice tone="bad">
      {findings.length === 0 ? (
        <p>{error instanceof Error ? error.message : "The query failed."}</p>
      ) : (
        <ul className={styles.findings}>
          {findings.map(({ line, column, message }) => (
            <li key={`${line}:${column}:${message}`}>
              <button type="button" className={styles.place} onClick={() => onPlace(line, column)}>
                {`Line ${line}, column ${column}`}
              </button>{" "}
              {withoutPlace(message)}
            </li>
          ))}
        </ul>
      )}
      {correlation && (
        <p>
          correlation id <code>{correlation}</code> (the server's log has it)
        </p>
      )}
    </Notice>
  );
}

/** The place stands on the button already. */
export function withoutPlace(message: string): string {
  return message.replace(/^(at )?line \d+, column \d+:? */i, "");
}
