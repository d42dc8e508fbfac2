import { AppLink } from "../components/app-link";
import { Message } from "../ui/notice";
import { paths } from "../util/path-builder";

/** An address that no page has. */
export function MissingPage() {
  return (
    <Message title="There is no such page" actions={<AppLink to={paths.home()}>All resources</AppLink>}>
      <p>The address may be mistyped, or from another version of the portal.</p>
    </Message>
  );
}
