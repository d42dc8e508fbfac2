/** What an object says of itself: facts, containers, conditions, owners, what it owns, and its events. */
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { type ClusterObject, objectEventsQuery, relatedQuery } from "../api/cluster-objects";
import { createdAt, eventFacts, nodeFacts, workloadFacts } from "../api/kubernetes-facts";
import { conditionsOf, containersOf, ownersOf } from "../api/object-details";
import { objectKind } from "../api/object-kinds";
import { AppLink } from "../components/app-link";
import { TimeAgo } from "../components/time-ago";
import { Button } from "../ui/button";
import { Card, type Fact, Facts } from "../ui/card";
import { StateMark } from "../ui/state-mark";
import { Tags } from "../ui/tags";
import { list, text, textMap } from "../util/json";
import { paths, type ResourcePath } from "../util/path-builder";
import styles from "./object-page.module.css";

interface ObjectDetailsProps {
  path: ResourcePath;
  object: ClusterObject;
  onLogs: (container: string, previous?: string) => void;
}

export function ObjectDetails({ path, object, onLogs }: ObjectDetailsProps) {
  return (
    <div className={styles.details}>
      <Card title="Facts">
        <Facts facts={factsOf(path, object)} />
      </Card>
      <Conditions object={object} />
      <Containers object={object} onLogs={onLogs} />
      <Owned path={path} object={object} />
      <Events path={path} object={object} />
    </div>
  );
}

function factsOf(path: ResourcePath, object: ClusterObject): Fact[] {
  const { ready, restarts, detail } = workloadFacts(object);
  const created = createdAt(object);
  const labels = textMap(object.object, "metadata", "labels");
  const owners = ownersOf(object);
  const facts: Array<Fact | undefined> = [
    { name: "Kind", value: `${object.kind} (${object.apiVersion})` },
    ready === undefined ? undefined : { name: "Ready", value: ready },
    restarts === undefined ? undefined : { name: "Restarts", value: restarts },
    ...(object.kind === "Pod" ? podFacts(path, object) : []),
    ...(object.kind === "Node" ? nodeFactsOf(object) : []),
    detail && object.kind !== "Pod" ? { name: DETAILS[object.kind] ?? "Details", value: detail } : undefined,
    owners.length > 0
      ? {
          name: "Owned by",
          value: owners.map((owner) => (
            <span key={`${owner.kind}/${owner.name}`}>
              {objectKind(owner.kind) ? (
                <AppLink to={paths.object(path, owner)}>{`${owner.kind} ${owner.name}`}</AppLink>
              ) : (
                `${owner.kind} ${owner.name}`
              )}{" "}
            </span>
          )),
        }
      : undefined,
    { name: "Labels", value: Object.keys(labels).length > 0 ? <Tags tags={labels} /> : "none" },
    { name: "Created", value: created && <TimeAgo time={created} /> },
  ];
  return facts.filter((fact) => fact !== undefined);
}

const DETAILS: Record<string, string> = {
  CronJob: "Schedule",
  Service: "Address, ports",
  Ingress: "Hosts",
  NetworkPolicy: "Pods",
  StorageClass: "Provisioner",
};

function podFacts(path: ResourcePath, { object }: ClusterObject): Fact[] {
  const node = text(object, "spec", "nodeName");
  return [
    {
      name: "Node",
      value: node && <AppLink to={paths.object(path, { kind: "Node", namespace: "", name: node })}>{node}</AppLink>,
    },
    { name: "Address", value: text(object, "status", "podIP") },
    { name: "Account", value: text(object, "spec", "serviceAccountName") },
    { name: "Quality", value: text(object, "status", "qosClass") },
  ];
}

function nodeFactsOf(object: ClusterObject): Fact[] {
  const { roles, version, cpu, memory, system, address } = nodeFacts(object);
  const taints = list(object.object, "spec", "taints").map((taint) => text(taint, "key"));
  return [
    { name: "Roles", value: roles },
    { name: "Kubelet", value: version },
    { name: "Size", value: [cpu && `${cpu} cores`, memory].filter(Boolean).join(", ") || undefined },
    { name: "System", value: system },
    { name: "Address", value: address },
    { name: "Taints", value: taints.length > 0 ? taints.join(", ") : "none" },
  ];
}

function Conditions({ object }: { object: ClusterObject }) {
  const conditions = conditionsOf(object);
  if (conditions.length === 0) return null;
  return (
    <Card title="Conditions">
      <PlainTable label="Conditions" head={["Condition", "State", "Since"]}>
        {conditions.map(({ type, state, reason, message, since }) => (
          <tr key={type}>
            <td>
              {type}
              {(message ?? reason) && (
                <div className={styles.muted}>{[reason, message].filter(Boolean).join(": ")}</div>
              )}
            </td>
            <td>
              <StateMark {...state} />
            </td>
            <td>
              <TimeAgo time={since} />
            </td>
          </tr>
        ))}
      </PlainTable>
    </Card>
  );
}

function Containers({ object, onLogs }: Omit<ObjectDetailsProps, "path">) {
  const containers = containersOf(object);
  if (containers.length === 0) return null;
  const pod = object.kind === "Pod";
  return (
    <Card title="Containers" wide>
      <PlainTable label="Containers" head={["Container", "State", ...(pod ? ["Restarts", "Logs"] : ["Resources"])]}>
        {containers.map((one) => (
          <tr key={one.name}>
            <td>
              {one.name}
              {one.initial && <span className={styles.muted}> (first)</span>}
              <div className={styles.muted}>{one.image}</div>
              {pod && (one.requests || one.limits) && (
                <div className={styles.muted}>{amounts(one.requests, one.limits)}</div>
              )}
            </td>
            <td>
              <StateMark {...one.state} />
              {one.message && <div className={styles.muted}>{one.message}</div>}
              {one.since && (
                <div className={styles.muted}>
                  since <TimeAgo time={one.since} />
                </div>
              )}
            </td>
            {pod ? (
              <>
                <td data-head="Restarts">{one.restarts}</td>
                <td>
                  <Button look="plain" aria-label={`Logs of ${one.name}`} onClick={() => onLogs(one.name)}>
                    Logs
                  </Button>
                  {one.before && (
                    <>
                      {" "}
                      <Button
                        look="plain"
                        aria-label={`Before restart: logs of ${one.name}`}
                        onClick={() => onLogs(one.name, "1")}
                      >
                        Before restart
                      </Button>
                    </>
                  )}
                </td>
              </>
            ) : (
              <td>{amounts(one.requests, one.limits) || <span className={styles.muted}>no limits</span>}</td>
            )}
          </tr>
        ))}
      </PlainTable>
    </Card>
  );
}

function amounts(requests: string, limits: string): string {
  return [requests && `asks ${requests}`, limits && `at most ${limits}`].filter(Boolean).join("; ");
}

function Owned({ path, object }: { path: ResourcePath; object: ClusterObject }) {
  const related = useQuery(relatedQuery(path, object));
  const title = RELATED[object.kind] ?? "What it owns";
  if (related.isError) {
    return (
      <Card title={title} wide>
        <p className={styles.quiet}>That could not be read: {related.error.message}</p>
      </Card>
    );
  }
  if (!related.data || related.data.objects.length === 0) return null;
  const { objects, total } = related.data;
  return (
    <Card title={title} wide>
      <PlainTable label={title} head={["Name", "Kind", "State", "Ready"]}>
        {objects.map((one) => (
          <tr key={one.uid}>
            <td>{objectKind(one.kind) ? <AppLink to={paths.object(path, one)}>{one.name}</AppLink> : one.name}</td>
            <td>{one.kind}</td>
            <td>
              <StateMark {...workloadFacts(one).state} />
            </td>
            <td data-head="Ready">{workloadFacts(one).ready}</td>
          </tr>
        ))}
      </PlainTable>
      {objects.length < total && (
        <p className={styles.quiet}>{`${objects.length} of ${total.toLocaleString("en")} are shown.`}</p>
      )}
    </Card>
  );
}

/** Where the others are not owned: pods run on a node, and stand behind a service. */
const RELATED: Record<string, string> = { Node: "Pods on it", Service: "Pods behind it" };

function Events({ path, object }: { path: ResourcePath; object: ClusterObject }) {
  const events = useQuery(objectEventsQuery(path, object));
  return (
    <Card title="Events" wide>
      {events.isError && <p className={styles.quiet}>They could not be read: {events.error.message}</p>}
      {events.data?.length === 0 && (
        <p className={styles.quiet}>None are known. A cluster keeps events for an hour, unless it is told otherwise.</p>
      )}
      {events.data && events.data.length > 0 && (
        <PlainTable label="Events" head={["Last", "Reason", "Message", "Times"]}>
          {events.data.map((event) => {
            const { last, reason, message, times, state } = eventFacts(event);
            return (
              <tr key={event.uid || event.name}>
                <td>
                  <TimeAgo time={last} />
                </td>
                <td>
                  <StateMark label={reason ?? state.label} tone={state.tone} title={state.label} />
                </td>
                <td>{message}</td>
                <td data-head="Times">{times}</td>
              </tr>
            );
          })}
        </PlainTable>
      )}
    </Card>
  );
}

/** A small table whose rows may be as high as what they say. */
function PlainTable({ label, head, children }: { label: string; head: string[]; children: ReactNode }) {
  return (
    <div className={styles.wrapped}>
      <table className={styles.plain} aria-label={label}>
        <thead>
          <tr>
            {head.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
