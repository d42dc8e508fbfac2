/** Why the cluster itself could not be asked, or what its rules forbid, and what to do about it. */
import { ClusterError } from "../api/cluster-proxy";
import { Button } from "../ui/button";
import { Command } from "../ui/command";
import { Notice } from "../ui/notice";
import styles from "./cluster-refusal.module.css";

interface ClusterRefusalProps {
  error: unknown;
  /** What was asked for, in the middle of a sentence. */
  what: string;
  onRetry?: () => void;
  /** On the page to which the others send their reader. */
  onDiagnose?: boolean;
}

export function ClusterRefusal({ error, what, onRetry, onDiagnose }: ClusterRefusalProps) {
  const known = error instanceof ClusterError ? error : undefined;
  const advice = known && !(onDiagnose && known.code === "AgentNotConnected") ? adviceOf(known) : undefined;
  return (
    <Notice tone="bad">
      <div className={styles.refusal}>
        <p>
          <strong>{known?.status === 403 ? `You may not read ${what}.` : `The cluster did not give ${what}.`}</strong>
        </p>
        <p>{error instanceof Error ? error.message : "Something failed that the portal did not expect."}</p>
        {advice && <p>{advice.text}</p>}
        {advice?.command && <Command text={advice.command} />}
        {known?.correlationId && (
          <p>
            Correlation id <code>{known.correlationId}</code>
          </p>
        )}
        {onRetry && (
          <p>
            <Button onClick={onRetry}>Try again</Button>
          </p>
        )}
      </div>
    </Notice>
  );
}

interface Advice {
  text: string;
  command?: string;
}

/** By the code, because the same status has many reasons. */
export function adviceOf(error: ClusterError): Advice | undefined {
  if (error.status === 403 && error.byCluster) {
    const [, user] = /User "([^"]+)"/.exec(error.message) ?? [];
    return {
      text: "The cluster's own rules decide that, and you reach it under your own name. Whoever administers the cluster can bind a role to it:",
      command: user
        ? `kubectl create clusterrolebinding ${safe(user)}-view --clusterrole=view --user='${user}'`
        : undefined,
    };
  }
  if (error.status === 403) {
    return {
      text: "Reaching into the cluster needs the role Azure Arc Enabled Kubernetes Cluster User Role at the cluster, or Contributor or Owner; a read-only lock forbids it too.",
    };
  }
  const text = ADVICE[error.code];
  return text ? { text } : undefined;
}

const ADVICE: Record<string, string> = {
  AgentNotConnected:
    "The agent has no session with the server. The page Diagnose says since when, and what to look at.",
  TunnelsNotSupported:
    "Update the agent, or allow tunnels in its chart (systemDefaultValues.clusterconnect-agent.enabled).",
  TunnelNotOpened: "The agent's log says why; a proxy that does not let WebSockets through is the usual reason.",
  TunnelFailed: "The connection broke while it was asked. Try again.",
  TooManyStreams: "Close other windows that follow logs, or wait a moment.",
  NotFound: "It may have been deleted since the agent last reported.",
};

function safe(user: string): string {
  return user.toLowerCase().replace(/[^a-z0-9-]+/g, "-");
}
