/** One Kubernetes object: what it says of itself, the logs of a pod, and all of it as YAML. */
import { useQuery } from "@tanstack/react-query";
import { type ClusterObject, type ObjectRef, objectQuery, refusalQuery } from "../api/cluster-objects";
import { liveObjectQuery } from "../api/cluster-proxy";
import { createdAt, workloadFacts } from "../api/kubernetes-facts";
import { objectKind } from "../api/object-kinds";
import { Age } from "../components/age";
import { AppLink } from "../components/app-link";
import { ClusterRefusal } from "../components/cluster-refusal";
import { ErrorMessage } from "../components/error-message";
import { Icon } from "../ui/icon";
import { Loading } from "../ui/loading";
import { Message, Notice } from "../ui/notice";
import { StateMark } from "../ui/state-mark";
import { paths, type ResourcePath } from "../util/path-builder";
import { ObjectDetails } from "./object-details";
import styles from "./object-page.module.css";
import { ObjectYaml } from "./object-yaml";
import { PodLogs } from "./pod-logs";

export interface ObjectSearch {
  /** `logs` or `yaml`; without, the details. */
  view?: string;
  container?: string;
  /** `1`: of the container before this one. */
  previous?: string;
}

interface ObjectPageProps {
  path: ResourcePath;
  of: ObjectRef;
  search: ObjectSearch;
  onSearch: (search: ObjectSearch) => void;
}

const VIEWS: Array<[view: string | undefined, label: string]> = [
  [undefined, "Details"],
  ["logs", "Logs"],
  ["yaml", "YAML"],
];

export function ObjectPage(props: ObjectPageProps) {
  return objectKind(props.of.kind)?.live ? <LiveObject {...props} /> : <KnownObject {...props} />;
}

/** What agents do not report is read in the cluster. */
function LiveObject(props: ObjectPageProps) {
  const live = useQuery(liveObjectQuery(props.path, props.of));
  if (live.isPending) return <Loading what="the object out of the cluster" />;
  if (!live.data) {
    const what = `the ${objectKind(props.of.kind)?.noun ?? "object"} ${props.of.name}`;
    return <ClusterRefusal error={live.error} what={what} onRetry={() => live.refetch()} />;
  }
  return <Shown {...props} object={live.data} gone={false} />;
}

function KnownObject(props: ObjectPageProps) {
  const { path, of } = props;
  const known = useQuery(objectQuery(path, of));
  const refused = useQuery({ ...refusalQuery(path), enabled: known.data === null });
  if (known.isPending) return <Loading what="the object" />;
  if (known.isError && !known.data) {
    return <ErrorMessage error={known.error} what="this object" onRetry={() => known.refetch()} />;
  }
  if (refused.data) return <ErrorMessage error={refused.data} what="the objects of this cluster" />;
  if (!known.data) return <NoObject {...props} />;
  return <Shown {...props} object={known.data} gone={known.isError} />;
}

/** To the list of its kind: the way of somebody who came by a link. */
function BackToList({ path, kind }: { path: ResourcePath; kind: string }) {
  const known = objectKind(kind);
  if (!known) return null;
  const tab = known.kind === "Node" ? "nodes" : known.kind === "Event" ? "events" : "workloads";
  return (
    <p className={styles.back}>
      <AppLink to={paths.cluster(path, tab)} search={tab === "workloads" ? { kind } : undefined}>
        {known.label}
      </AppLink>
    </p>
  );
}

function NoObject({ path, of }: ObjectPageProps) {
  return (
    <Message
      title={`There is no such ${objectKind(of.kind)?.noun ?? "object"}`}
      actions={<AppLink to={paths.cluster(path, "workloads")}>Workloads</AppLink>}
    >
      <p>
        The cluster's agent reports no {of.kind} <code>{of.name}</code>
        {of.namespace && (
          <>
            {" "}
            in the namespace <code>{of.namespace}</code>
          </>
        )}
        . It was deleted, or its kind is not watched.
      </p>
    </Message>
  );
}

function Shown({
  path,
  of,
  search,
  onSearch,
  object,
  gone,
}: ObjectPageProps & { object: ClusterObject; gone: boolean }) {
  const views = VIEWS.filter(([view]) => view !== "logs" || of.kind === "Pod");
  const view = views.find(([one]) => one === search.view)?.[0];
  return (
    <article aria-label={`${of.kind} ${of.name}`}>
      {gone && <Notice tone="ended">What is shown is not current: the server does not answer.</Notice>}
      <header className={styles.header}>
        <BackToList path={path} kind={of.kind} />
        <h2 className={styles.title}>
          <Icon name="resource" size={15} /> {of.name}
        </h2>
        <p className={styles.below}>
          <StateMark {...workloadFacts(object).state} />
          <span>{of.kind}</span>
          {of.namespace && <span>{of.namespace}</span>}
          <span>
            Age <Age since={createdAt(object)} />
          </span>
        </p>
      </header>
      <nav className={styles.views} aria-label="Object">
        {views.map(([one, label]) => (
          <button
            key={label}
            type="button"
            aria-current={one === view ? "page" : undefined}
            onClick={() => onSearch({ view: one })}
          >
            {label}
          </button>
        ))}
      </nav>
      {view === "logs" && <PodLogs path={path} pod={object} search={search} onSearch={onSearch} />}
      {view === "yaml" && <ObjectYaml path={path} known={object} />}
      {view === undefined && (
        <ObjectDetails
          path={path}
          object={object}
          onLogs={(container, previous) => onSearch({ view: "logs", container, previous })}
        />
      )}
    </article>
  );
}
