/** A resource whose type has no page of its own: what ARM says of it, as it says it. */

import { ApiError } from "../api/http";
import { typeName } from "../api/resource-facts";
import { Breadcrumb } from "../components/breadcrumb";
import { ErrorMessage } from "../components/error-message";
import { ResourceStateMark } from "../components/resource-state";
import { useLiveResource, useLiveView } from "../hooks/use-live";
import { Card, CardGrid } from "../ui/card";
import { Loading } from "../ui/loading";
import { PageHeader } from "../ui/page-header";
import { parseResourceId } from "../util/resource-id";
import styles from "./resource-page.module.css";

export function ResourcePage({ id }: { id: string }) {
  const resource = useLiveResource(id);
  const { phase, refusal } = useLiveView();
  const parts = parseResourceId(id);
  if (!resource) {
    if (phase === "connecting" || phase === "loading") return <Loading what="the resource" />;
    return (
      <ErrorMessage
        error={refusal ?? new ApiError(404, "ResourceNotFound", `${id} is not among the resources you may read.`)}
        what="this resource"
      />
    );
  }
  return (
    <>
      <PageHeader
        title={resource.name}
        above={parts && <Breadcrumb resource={{ ...parts, resourceGroupName: parts.resourceGroupName ?? "" }} />}
        below={
          <>
            <ResourceStateMark resource={resource} />
            <span>{typeName(resource.type)}</span>
          </>
        }
      />
      <CardGrid>
        <Card title="As the API returns it" wide>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: text that scrolls sideways must be reachable by keyboard. */}
          <pre className={styles.json} tabIndex={0}>
            {JSON.stringify(resource, null, 2)}
          </pre>
        </Card>
      </CardGrid>
    </>
  );
}
