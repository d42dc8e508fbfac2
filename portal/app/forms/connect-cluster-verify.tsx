/** Whether a cluster has come: known, connected, reporting; and what is probably missing when it takes long. */
import { useEffect, useState } from "react";
import { lastSeen, stateOf } from "../api/resource-facts";
import { AppLink } from "../components/app-link";
import { TimeAgo } from "../components/time-ago";
import { type Connecting, useConnecting } from "../hooks/use-connecting";
import { StateMark, type Tone } from "../ui/state-mark";
import { paths, type ResourcePath } from "../util/path-builder";
import styles from "./connect-cluster.module.css";

/** When somebody who waits wants to know what is wrong. */
const LONG_MILLISECONDS = 60_000;

export function VerifyCluster({ path }: { path: ResourcePath }) {
  const connecting = useConnecting(path);
  const long = useLong(`${connecting.resource !== undefined} ${connecting.connected} ${connecting.objects > 0}`);
  const signs = signsOf(connecting, long);
  return (
    <>
      <ol className={styles.signs} aria-label="Signs of the cluster" aria-live="polite">
        {signs.map(({ label, tone, hint }) => (
          <li key={label}>
            <StateMark label={label} tone={tone} />
            {hint && <p className={styles.quiet}>{hint}</p>}
          </li>
        ))}
      </ol>
      {connecting.resource && (
        <p>
          <AppLink to={paths.cluster(path)}>Open {connecting.resource.name}</AppLink>
          {!connecting.connected && (
            <>
              {" · "}
              <AppLink to={paths.cluster(path, "diagnose")}>Diagnose</AppLink>
            </>
          )}
          {!connecting.connected && lastSeen(connecting.resource).at && (
            <span className={styles.quiet}>
              {" "}
              Last seen <TimeAgo time={lastSeen(connecting.resource).at} />
            </span>
          )}
        </p>
      )}
    </>
  );
}

export interface Sign {
  label: string;
  tone: Tone;
  hint?: string;
}

/** The three signs in their order; the first that is missing is waited for, and explained when it takes long. */
export function signsOf({ resource, connected, objects }: Connecting, long: boolean): Sign[] {
  const waits = (label: string, hint: string, late: string): Sign => ({
    label,
    tone: "waiting",
    hint: long ? late : hint,
  });
  const known: Sign = resource
    ? { label: "It is known to the server", tone: "good" }
    : waits(
        "Waiting for it to be known to the server",
        "The command, or the button above, registers it.",
        "Nothing has registered it yet. Did the command end with an error? It says which of its checks failed. Is its --subscription, --group and --name the one above?",
      );
  const state = resource && stateOf(resource)?.label;
  const agent: Sign = !resource
    ? { label: "The agent is connected", tone: "neutral" }
    : connected
      ? { label: "The agent is connected", tone: "good" }
      : waits(
          `Waiting for the agent (${state ?? "no state"})`,
          "The pod bowline-agent starts and opens a session.",
          "No session came. Look at kubectl -n bowline-system get pods: an image that cannot be pulled and a way out that a proxy or firewall closes are the usual reasons. kubectl -n bowline-system logs deployment/bowline-agent says what the agent tries.",
        );
  const reports: Sign = !connected
    ? { label: "It reports what is in the cluster", tone: "neutral" }
    : objects > 0
      ? { label: `It reports what is in the cluster: ${objects.toLocaleString("en")} objects`, tone: "good" }
      : waits(
          "Waiting for its first report",
          "The agent lists the cluster; a large one takes a minute.",
          "The agent is connected and has reported nothing. Its errors are on the page Diagnose; without the role Reader you may not see the objects.",
        );
  return [known, agent, reports];
}

/** Whether what is told has not changed for long. */
function useLong(told: string): boolean {
  const [long, setLong] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is told anew begins the wait again.
  useEffect(() => {
    setLong(false);
    const timer = setTimeout(() => setLong(true), LONG_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [told]);
  return long;
}
