/** What is wrong with a cluster or its agent, why probably, and what to do: as the server knows it, and asked right now. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Check, checksOf } from "../api/cluster-checks";
import {
  liveSeenQuery,
  readAgentLog,
  reportedSeenQuery,
  reportQuery,
  serverVersionQuery,
  tunnelQuery,
} from "../api/cluster-health";
import { refusalQuery } from "../api/cluster-objects";
import { type Finding, findingsOf } from "../api/diagnose";
import { objectKind } from "../api/object-kinds";
import type { Resource } from "../api/resources";
import { AppLink } from "../components/app-link";
import { ClusterRefusal } from "../components/cluster-refusal";
import { useNow } from "../hooks/use-now";
import { Button } from "../ui/button";
import { Card } from "../ui/card";
import { Command } from "../ui/command";
import { Icon } from "../ui/icon";
import { Loading } from "../ui/loading";
import { StateMark } from "../ui/state-mark";
import { paths, type ResourcePath } from "../util/path-builder";
import { redact } from "../util/redact";
import { saveFile } from "../util/save-file";
import styles from "./cluster-diagnose.module.css";

const WORDS = { good: "Good", bad: "Wrong", ended: "Look at it", waiting: "Waiting", neutral: "Not known" } as const;

export function ClusterDiagnose({ path, cluster }: { path: ResourcePath; cluster: Resource }) {
  const findings = useFindings(path, cluster);
  const tunnel = useQuery(tunnelQuery(path));
  const live = useQuery(liveSeenQuery(path, tunnel.isSuccess));
  const cannot = tunnel.isError || live.isError;
  const reported = useQuery(reportedSeenQuery(path, cannot));
  const seen = live.data ?? reported.data;
  const checks = seen && checksOf(seen);
  const again = () => {
    void tunnel.refetch();
    if (tunnel.isSuccess) void live.refetch();
    if (cannot) void reported.refetch();
  };
  return (
    <div className={styles.page}>
      <div className={styles.bar}>
        <p>{summary(findings, checks)}</p>
        <span className={styles.gap} />
        <Button onClick={again} disabled={tunnel.isFetching || live.isFetching}>
          Check again
        </Button>
        <BundleButton
          path={path}
          cluster={cluster}
          findings={findings}
          checks={checks}
          tunnel={tunnel.data ?? tunnel.error}
        />
      </div>
      <Card title="Agent and server">
        <ul className={styles.findings}>
          {findings.map((finding) => (
            <FindingLine key={`${finding.about} ${finding.says}`} finding={finding} />
          ))}
          {tunnel.data && (
            <FindingLine
              finding={{
                about: "Tunnel",
                tone: "good",
                says: `The cluster (${tunnel.data.version}) answered through it in ${Math.round(tunnel.data.milliseconds)} ms.`,
              }}
            />
          )}
        </ul>
      </Card>
      <Card title="In the cluster">
        <div className={styles.body}>
          {tunnel.isPending && <Loading what="the way into the cluster" />}
          {tunnel.isError && <ClusterRefusal error={tunnel.error} what="its version" onDiagnose />}
          {!tunnel.isError && live.isError && (
            <ClusterRefusal error={live.error} what="its nodes and pods" onDiagnose />
          )}
          {cannot && reported.data && <p className={styles.quiet}>What follows is as the agent reported it last.</p>}
          {tunnel.isSuccess && live.isPending && <Loading what="nodes, pods and warnings" />}
          {checks?.map((check) => (
            <CheckLines key={check.title} path={path} check={check} />
          ))}
        </div>
      </Card>
    </div>
  );
}

function useFindings(path: ResourcePath, cluster: Resource): Finding[] {
  const now = useNow();
  const report = useQuery(reportQuery(path));
  const version = useQuery(serverVersionQuery);
  const refused = useQuery({ ...refusalQuery(path), enabled: report.data?.objects === 0 });
  const known = report.data && !(report.data.objects === 0 && (refused.data || refused.isPending));
  const findings = findingsOf({
    cluster,
    now,
    serverVersion: version.data ?? undefined,
    objects: known ? report.data?.objects : undefined,
    newest: report.data?.newest,
  });
  // Nobody says "you may not" before it is known.
  const open = report.isPending || (report.data?.objects === 0 && refused.isPending);
  return open ? findings.filter(({ about }) => about !== "Inventory") : findings;
}

function summary(findings: Finding[], checks: Check[] | undefined): string {
  const wrong = [...findings, ...(checks ?? [])].filter(({ tone }) => tone === "bad").length;
  const look = [...findings, ...(checks ?? [])].filter(({ tone }) => tone === "ended" || tone === "waiting").length;
  if (wrong === 0 && look === 0) return checks ? "Nothing is wrong, as far as can be seen." : "Looking…";
  const parts = [wrong > 0 ? `${wrong} wrong` : "", look > 0 ? `${look} to look at` : ""].filter(Boolean);
  return `${parts.join(", ")}.`;
}

function FindingLine({ finding: { about, tone, says, why, fix, command } }: { finding: Finding }) {
  return (
    <li>
      <div className={styles.head}>
        <StateMark label={WORDS[tone]} tone={tone} />
        <strong>{about}</strong>
      </div>
      <div className={styles.words}>
        <p>{says}</p>
        {why && (
          <p className={styles.quiet}>
            <span>Probably: </span>
            {why}
          </p>
        )}
        {fix && <p>{fix}</p>}
        {command && <Command text={command} />}
      </div>
    </li>
  );
}

function CheckLines({ path, check: { title, tone, says, fix, problems } }: { path: ResourcePath; check: Check }) {
  return (
    <section className={styles.check} aria-label={title}>
      <div className={styles.head}>
        <StateMark label={WORDS[tone]} tone={tone} />
        <strong>{title}</strong>
        <span>{says}</span>
      </div>
      {problems.length > 0 && (
        <ul className={styles.problems}>
          {problems.map((problem, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: one pod may have two problems with the same words.
            <li key={index}>
              {objectKind(problem.at.kind) ? (
                <AppLink to={paths.object(path, problem.at)}>
                  {[problem.at.namespace, problem.at.name].filter(Boolean).join("/")}
                </AppLink>
              ) : (
                problem.at.name
              )}
              <div className={styles.quiet}>{problem.says}</div>
            </li>
          ))}
        </ul>
      )}
      {fix && <p>{fix}</p>}
    </section>
  );
}

interface BundleProps {
  path: ResourcePath;
  cluster: Resource;
  findings: Finding[];
  checks: Check[] | undefined;
  tunnel: unknown;
}

/** All of it as one file, without what opens anything, to be read before it is sent to anybody. */
function BundleButton({ path, cluster, findings, checks, tunnel }: BundleProps) {
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    const agentLog = await readAgentLog(path, AbortSignal.timeout(LOG_PATIENCE));
    const bundle = {
      written: new Date().toISOString(),
      cluster,
      findings,
      checks,
      tunnel: tunnel instanceof Error ? { failed: tunnel.message } : tunnel,
      agentLog: agentLog.split("\n"),
    };
    saveFile(`bowline-${cluster.name}.json`, `${JSON.stringify(redact(bundle), undefined, 2)}\n`, "application/json");
    setBusy(false);
  };
  return (
    <Button
      onClick={save}
      disabled={busy}
      title="What is on this page and the end of the agent's log, without keys, tokens and passwords"
    >
      <Icon name="download" /> {busy ? "Collecting…" : "Save a report"}
    </Button>
  );
}

const LOG_PATIENCE = 15_000;
