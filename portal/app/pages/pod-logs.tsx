/** A pod's log as it is written, out of the cluster itself. */
import { type RefObject, useEffect, useMemo, useRef, useState } from "react";
import type { ClusterObject } from "../api/cluster-objects";
import { type ContainerFacts, containersOf } from "../api/object-details";
import { ClusterRefusal } from "../components/cluster-refusal";
import { type LogState, MOST_LINES, useLog } from "../hooks/use-log";
import { Button } from "../ui/button";
import { CopyButton } from "../ui/copy-button";
import { Icon } from "../ui/icon";
import type { ResourcePath } from "../util/path-builder";
import { count } from "../util/quantity";
import { saveFile } from "../util/save-file";
import { splitTime } from "../util/text-lines";
import type { ObjectSearch } from "./object-page";
import styles from "./object-page.module.css";

interface PodLogsProps {
  path: ResourcePath;
  pod: ClusterObject;
  search: ObjectSearch;
  onSearch: (search: ObjectSearch) => void;
}

const FIRST_LINES = 500;
/** How near to its end a log must be scrolled to go on with it. */
const NEAR_PIXELS = 40;

export function PodLogs({ path, pod, search, onSearch }: PodLogsProps) {
  const containers = containersOf(pod);
  const chosen = containers.find(({ name }) => name === search.container) ?? containers.find(({ initial }) => !initial);
  const previous = search.previous === "1";
  const [follow, setFollow] = useState(true);
  const [words, setWords] = useState("");
  const [times, setTimes] = useState(false);
  const [wraps, setWraps] = useState(true);
  const [attempt, setAttempt] = useState(0);
  const wish = {
    namespace: pod.namespace,
    pod: pod.name,
    container: chosen?.name,
    previous,
    follow,
    lines: FIRST_LINES,
  };
  const state = useLog(path, wish, attempt);
  const lines = useMemo(() => matching(state.buffer.lines, words), [state.buffer, words]);
  const said = useMemo(() => lines.map((line) => (times ? line : splitTime(line)[1])).join("\n"), [lines, times]);
  const box = useRef<HTMLElement>(null);
  useStayAtEnd(box, said, follow && !previous);
  return (
    <>
      <div className={styles.toolbar}>
        <ContainerBox
          containers={containers}
          chosen={chosen}
          onChange={(container) => onSearch({ ...search, container })}
        />
        <input
          type="search"
          aria-label="Only lines with"
          placeholder="Only lines with…"
          value={words}
          onChange={(event) => setWords(event.target.value)}
        />
        <Check label="Follow" value={follow && !previous} disabled={previous} onChange={setFollow} />
        <Check
          label="Before the last restart"
          value={previous}
          onChange={(on) => onSearch({ ...search, previous: on ? "1" : undefined })}
        />
        <Check label="Times" value={times} onChange={setTimes} />
        <Check label="Wrap" value={wraps} onChange={setWraps} />
        <span className={styles.gap} />
        {state.phase !== "following" && <Button onClick={() => setAttempt((n) => n + 1)}>Read again</Button>}
        {said && <CopyButton text={said} label="Copy the log" />}
        {said && (
          <Button onClick={() => saveFile(`${pod.name}-${chosen?.name ?? "log"}.log`, `${said}\n`, "text/plain")}>
            <Icon name="download" /> Save
          </Button>
        )}
      </div>
      {state.phase === "failed" && (
        <ClusterRefusal error={state.error} what={`the log of ${pod.name}`} onRetry={() => setAttempt((n) => n + 1)} />
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <section ref={box} aria-label={`Log of ${chosen?.name ?? pod.name}`} className={styles.code} tabIndex={0}>
        <pre className={wraps ? styles.wraps : undefined}>{said}</pre>
      </section>
      <p className={styles.status} role="status">
        {wordsFor(state, lines.length, words !== "")}
      </p>
    </>
  );
}

function wordsFor({ phase, buffer }: LogState, shown: number, filtered: boolean): string {
  const all = buffer.lines.length;
  const amount = filtered ? `${shown.toLocaleString("en")} of ${count(all, "line")}` : count(all, "line");
  const dropped = buffer.dropped > 0 ? `, the newest ${MOST_LINES.toLocaleString("en")} are kept` : "";
  const doing = {
    reading: "Reading… ",
    following: "Following. ",
    ended: all === 0 ? "The log is empty. " : "Read to its end. ",
    failed: "Not complete. ",
  };
  return `${doing[phase]}${amount}${dropped}`;
}

function matching(lines: readonly string[], words: string): readonly string[] {
  const wanted = words.toLowerCase();
  return wanted === "" ? lines : lines.filter((line) => line.toLowerCase().includes(wanted));
}

/** Goes on with the end while the reader is there, and stays where somebody has scrolled to. */
function useStayAtEnd(box: RefObject<HTMLElement | null>, said: string, wanted: boolean) {
  const atEnd = useRef(true);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const look = () => {
      atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PIXELS;
    };
    element.addEventListener("scroll", look, { passive: true });
    return () => element.removeEventListener("scroll", look);
  }, [box]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is said makes the box longer.
  useEffect(() => {
    if (wanted && atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [box, said, wanted]);
}

interface ContainerBoxProps {
  containers: ContainerFacts[];
  chosen: ContainerFacts | undefined;
  onChange: (container: string) => void;
}

function ContainerBox({ containers, chosen, onChange }: ContainerBoxProps) {
  return (
    <label>
      Container{" "}
      <select value={chosen?.name ?? ""} onChange={(event) => onChange(event.target.value)}>
        {containers.map(({ name, initial }) => (
          <option key={name} value={name}>
            {initial ? `${name} (first)` : name}
          </option>
        ))}
      </select>
    </label>
  );
}

interface CheckProps {
  label: string;
  value: boolean;
  disabled?: boolean;
  onChange: (value: boolean) => void;
}

function Check({ label, value, disabled, onChange }: CheckProps) {
  return (
    <label>
      <input type="checkbox" checked={value} disabled={disabled} onChange={(event) => onChange(event.target.checked)} />
      {label}
    </label>
  );
}
