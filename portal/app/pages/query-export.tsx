/** Takes an answer along: the page to the clipboard, all of it as a file. */
import { useEffect, useState } from "react";
import { type QueryPage, type QueryRow, runQuery } from "../api/query";
import type { QueryRun } from "../hooks/use-query-run";
import { Button } from "../ui/button";
import { Icon } from "../ui/icon";
import { toCsv, toTsv } from "../util/csv";
import { saveFile } from "../util/save-file";
import styles from "./query-page.module.css";

// The file is made in the browser; whoever needs more has `bowline query -o csv`.
const ROWS_AT_MOST = 50_000;
const PAGE = 1000;
const SHOWN_MILLISECONDS = 2_000;

export function ExportButtons({ run, page }: { run: QueryRun; page: QueryPage }) {
  const [said, setSaid] = useState("");
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (said === "" || busy) return;
    const timer = setTimeout(() => setSaid(""), SHOWN_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [said, busy]);
  const names = page.columns.map(({ name }) => name);
  const copy = async () => {
    await navigator.clipboard.writeText(toTsv(names, page.rows));
    setSaid("Copied");
  };
  const download = async () => {
    setBusy(true);
    try {
      const rows = await allRows(run, (n) => setSaid(`${n.toLocaleString("en")} rows…`));
      saveFile("query.csv", toCsv(names, rows), "text/csv");
      setSaid(rows.length === ROWS_AT_MOST ? `Only the first ${ROWS_AT_MOST.toLocaleString("en")} rows` : "");
    } catch (error) {
      setSaid(error instanceof Error ? error.message : "The download failed.");
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className={styles.exports}>
      <span role="status">{said}</span>
      <Button onClick={copy}>
        <Icon name="copy" /> Copy
      </Button>
      <Button onClick={download} disabled={busy}>
        <Icon name="download" /> CSV
      </Button>
    </div>
  );
}

async function allRows(run: QueryRun, onProgress: (rows: number) => void): Promise<QueryRow[]> {
  const rows: QueryRow[] = [];
  const never = new AbortController().signal;
  let token: string | undefined;
  do {
    const page = await runQuery({ ...run, top: PAGE, token }, never);
    rows.push(...page.rows);
    onProgress(rows.length);
    token = page.next;
  } while (token && rows.length < ROWS_AT_MOST);
  return rows.slice(0, ROWS_AT_MOST);
}
