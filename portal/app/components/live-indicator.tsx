/** Whether what the page shows is kept current, in a word; and a notice when it is not. */
import { useLiveView } from "../hooks/use-live";
import { Notice } from "../ui/notice";
import { StateMark } from "../ui/state-mark";
import { TimeAgo } from "./time-ago";

export function LiveIndicator() {
  const { phase } = useLiveView();
  return (
    <span role="status" aria-label="Live updates">
      {phase === "live" && <StateMark label="Live" tone="good" title="Changes appear here as they happen" />}
      {(phase === "interrupted" || phase === "refused") && (
        <StateMark label="Not live" tone="ended" title="Live updates are interrupted" />
      )}
      {(phase === "connecting" || phase === "loading") && <StateMark label="Connecting" tone="waiting" />}
    </span>
  );
}

export function InterruptedNotice() {
  const { phase, interruptedSince } = useLiveView();
  if (phase !== "interrupted") return null;
  return (
    <Notice tone="ended">
      <strong>Live updates are interrupted.</strong> What is shown was true <TimeAgo time={interruptedSince} />. The
      page catches up by itself as soon as the server answers.
    </Notice>
  );
}
