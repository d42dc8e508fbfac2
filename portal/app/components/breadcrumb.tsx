import { Icon } from "../ui/icon";
import { paths, type ResourcePath } from "../util/path-builder";
import { AppLink } from "./app-link";

/** Where a resource's page is: the list, the group in it. */
export function Breadcrumb({ resource: { subscriptionId, resourceGroupName } }: { resource: ResourcePath }) {
  return (
    <>
      <AppLink to={paths.resources({ subscriptionId })}>All resources</AppLink>
      <Icon name="chevron" size={12} />
      <span>{resourceGroupName}</span>
    </>
  );
}
