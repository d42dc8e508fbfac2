/** A cluster's facts, as its agent reported them and as its owner set them. */
import { Fragment } from "react";
import type { Resource } from "../api/resources";
import { TimeAgo } from "../components/time-ago";
import { Card, CardGrid, type Fact, Facts } from "../ui/card";
import { StateMark } from "../ui/state-mark";
import { Tags } from "../ui/tags";
import { list, number, text } from "../util/json";
import { parseResourceId } from "../util/resource-id";
import { parseTime } from "../util/time";

export function ClusterOverview({ cluster }: { cluster: Resource }) {
  return (
    <CardGrid>
      <Card title="Cluster">
        <Facts facts={clusterFacts(cluster)} />
      </Card>
      <Card title="Agent">
        <Facts facts={agentFacts(cluster)} />
      </Card>
      <AgentErrors cluster={cluster} />
      <Card title="Resource" wide>
        <Facts facts={resourceFacts(cluster)} />
      </Card>
    </CardGrid>
  );
}

function clusterFacts({ properties: p }: Resource): Fact[] {
  const distribution = [text(p, "distribution"), text(p, "distributionVersion")].filter(Boolean).join(" ");
  return [
    { name: "Kubernetes", value: text(p, "kubernetesVersion") },
    { name: "Distribution", value: distribution || undefined },
    { name: "Infrastructure", value: text(p, "infrastructure") },
    { name: "Nodes", value: number(p, "totalNodeCount")?.toLocaleString("en") },
    { name: "Cores", value: number(p, "totalCoreCount")?.toLocaleString("en") },
  ];
}

function agentFacts({ properties: p }: Resource): Fact[] {
  const expires = parseTime(text(p, "managedIdentityCertificateExpirationTime"));
  return [
    { name: "Version", value: text(p, "agentVersion") },
    { name: "State", value: text(p, "arcAgentProfile", "agentState") },
    { name: "Automatic upgrade", value: text(p, "arcAgentProfile", "agentAutoUpgrade") },
    { name: "Identity expires", value: expires && <TimeAgo time={expires} /> },
  ];
}

export function resourceFacts({ id, location, tags, properties, systemData }: Resource): Fact[] {
  const created = parseTime(systemData?.createdAt);
  return [
    { name: "Resource group", value: parseResourceId(id)?.resourceGroupName },
    { name: "Location", value: location },
    { name: "Tags", value: Object.keys(tags ?? {}).length > 0 ? <Tags tags={tags} /> : undefined },
    { name: "Provisioning", value: text(properties, "provisioningState") },
    {
      name: "Created",
      value: created && (
        <>
          <TimeAgo time={created} />
          {systemData?.createdBy && ` by ${systemData.createdBy}`}
        </>
      ),
    },
    { name: "Resource id", value: <BreakableId id={id} /> },
  ];
}

function AgentErrors({ cluster }: { cluster: Resource }) {
  const errors = list(cluster.properties, "arcAgentProfile", "agentErrors");
  if (errors.length === 0) return null;
  const facts = errors.map((error, index) => ({
    name: text(error, "component") ?? `Problem ${index + 1}`,
    value: (
      <>
        <StateMark label={text(error, "severity") ?? "Error"} tone="bad" /> {text(error, "message")}{" "}
        <TimeAgo time={text(error, "time")} />
      </>
    ),
  }));
  return (
    <Card title="What the agent complains about" wide>
      <Facts facts={facts} />
    </Card>
  );
}

/** Breaks at the slashes only, so that the parts of an id stay whole. */
function BreakableId({ id }: { id: string }) {
  const parts = id.split(/(?=\/)/);
  return (
    <code>
      {parts.map((part, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of an id never move.
        <Fragment key={index}>
          {part}
          <wbr />
        </Fragment>
      ))}
    </code>
  );
}
