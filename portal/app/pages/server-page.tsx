/** A server: its facts as its agent reported them, and the agent's own state. */
import { useQuery } from "@tanstack/react-query";
import { machineQuery, type Resource } from "../api/resources";
import { Breadcrumb } from "../components/breadcrumb";
import { ErrorMessage } from "../components/error-message";
import { LastSeen } from "../components/last-seen";
import { InterruptedNotice, LiveIndicator } from "../components/live-indicator";
import { ResourceStateMark } from "../components/resource-state";
import { useLiveResource } from "../hooks/use-live";
import { Card, CardGrid, Facts } from "../ui/card";
import { Loading } from "../ui/loading";
import { PageHeader } from "../ui/page-header";
import { machineId, type ResourcePath } from "../util/path-builder";
import { resourceFacts } from "./cluster-overview";
import { agentFacts, hardwareFacts, networkFacts, problemFacts, storageFacts, systemFacts } from "./server-facts";

export function ServerPage({ path }: { path: ResourcePath }) {
  const live = useLiveResource(machineId(path));
  const asked = useQuery({ ...machineQuery(path), enabled: live === undefined });
  const machine = live ?? (asked.isError ? undefined : asked.data);
  if (asked.isError && !machine)
    return <ErrorMessage error={asked.error} what="this server" onRetry={() => asked.refetch()} />;
  if (!machine) return <Loading what="the server" />;
  return (
    <>
      <PageHeader
        title={machine.name}
        above={<Breadcrumb resource={path} />}
        aside={<LiveIndicator />}
        below={
          <>
            <ResourceStateMark resource={machine} />
            <span>Server</span>
            <span>
              Last seen <LastSeen resource={machine} />
            </span>
          </>
        }
      />
      <InterruptedNotice />
      <ServerFacts machine={machine} />
    </>
  );
}

function ServerFacts({ machine }: { machine: Resource }) {
  const problems = problemFacts(machine.properties);
  return (
    <CardGrid>
      {problems.length > 0 && (
        <Card title="Problems" wide>
          <Facts facts={problems} />
        </Card>
      )}
      <Card title="Operating system">
        <Facts facts={systemFacts(machine.properties)} />
      </Card>
      <Card title="Hardware">
        <Facts facts={hardwareFacts(machine.properties)} />
      </Card>
      <Card title="Agent">
        <Facts facts={agentFacts(machine)} />
      </Card>
      <Card title="Disks">
        <Facts facts={storageFacts(machine.properties)} />
      </Card>
      <Card title="Network">
        <Facts facts={networkFacts(machine.properties)} />
      </Card>
      <Card title="Resource" wide>
        <Facts facts={resourceFacts(machine)} />
      </Card>
    </CardGrid>
  );
}
