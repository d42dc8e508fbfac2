/** The frame of a cluster's pages: what it is, its state, and its tabs. Each tab is a route and a file of its own. */
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { clusterQuery, type Resource } from "../api/resources";
import { AppLink } from "../components/app-link";
import { Breadcrumb } from "../components/breadcrumb";
import { ErrorMessage } from "../components/error-message";
import { LastSeen } from "../components/last-seen";
import { InterruptedNotice, LiveIndicator } from "../components/live-indicator";
import { ResourceStateMark } from "../components/resource-state";
import { useLiveResource } from "../hooks/use-live";
import { Loading } from "../ui/loading";
import { PageHeader } from "../ui/page-header";
import { type ClusterTab, clusterId, paths, type ResourcePath } from "../util/path-builder";
import styles from "./cluster-page.module.css";

const TABS: Array<[tab: ClusterTab, label: string]> = [
  ["overview", "Overview"],
  ["nodes", "Nodes"],
  ["workloads", "Workloads"],
  ["events", "Events"],
  ["diagnose", "Diagnose"],
];
// One object's page lies below.
const WITH_PAGES_BELOW: ClusterTab = "workloads";

interface ClusterPageProps {
  path: ResourcePath;
  children: (cluster: Resource) => ReactNode;
}

export function ClusterPage({ path, children }: ClusterPageProps) {
  const live = useLiveResource(clusterId(path));
  // The live list has it when one comes from there; otherwise ask, which also says why it may not be seen.
  const asked = useQuery({ ...clusterQuery(path), enabled: live === undefined });
  const cluster = live ?? (asked.isError ? undefined : asked.data);
  if (asked.isError && !cluster)
    return <ErrorMessage error={asked.error} what="this cluster" onRetry={() => asked.refetch()} />;
  if (!cluster) return <Loading what="the cluster" />;
  return (
    <>
      <PageHeader
        title={cluster.name}
        above={<Breadcrumb resource={path} />}
        aside={<LiveIndicator />}
        below={
          <>
            <ResourceStateMark resource={cluster} />
            <span>Kubernetes cluster</span>
            <span>
              Last seen <LastSeen resource={cluster} />
            </span>
          </>
        }
      />
      <nav className={styles.tabs} aria-label="Cluster">
        {TABS.map(([tab, label]) => (
          <AppLink key={tab} to={paths.cluster(path, tab)} within={tab === WITH_PAGES_BELOW}>
            {label}
          </AppLink>
        ))}
      </nav>
      <InterruptedNotice />
      {children(cluster)}
    </>
  );
}
