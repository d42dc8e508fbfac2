/** A refusal or failure as a page: what happened, why, and what to do next. */
import { ApiError } from "../api/http";
import { Button } from "../ui/button";
import { Message, Notice } from "../ui/notice";
import { paths } from "../util/path-builder";
import { AppLink } from "./app-link";

export function ErrorMessage({ error, what, onRetry }: { error: unknown; what: string; onRetry?: () => void }) {
  const api = error instanceof ApiError ? error : undefined;
  const actions = (
    <>
      {onRetry && <Button onClick={onRetry}>Try again</Button>}
      <AppLink to={paths.home()}>All resources</AppLink>
    </>
  );
  return (
    <Message title={titleOf(api, what)} actions={actions}>
      <p>{error instanceof Error ? error.message : "Something failed that the portal did not expect."}</p>
      {api?.details.map(({ message }) => (
        <p key={message}>{message}</p>
      ))}
      {api?.status === 403 && (
        <p>
          Reading it needs the Reader role, or another role with its read action, there or above. Whoever owns the
          subscription can assign one.
        </p>
      )}
      {api && <ErrorReference error={api} />}
    </Message>
  );
}

/** The same inside of a page: what was tried did not work, the rest of the page goes on. */
export function ErrorText({ error }: { error: unknown }) {
  const api = error instanceof ApiError ? error : undefined;
  return (
    <Notice tone="bad">
      <p>{error instanceof Error ? error.message : "Something failed that the portal did not expect."}</p>
      {api?.details.map(({ message }) => (
        <p key={message}>{message}</p>
      ))}
      {api && <ErrorReference error={api} />}
    </Notice>
  );
}

function ErrorReference({ error }: { error: ApiError }) {
  return (
    <p>
      <code>{error.code}</code>
      {error.correlationId && (
        <>
          {" "}
          · correlation id <code>{error.correlationId}</code> (the server's log has it)
        </>
      )}
    </p>
  );
}

function titleOf(error: ApiError | undefined, what: string): string {
  if (error?.status === 403) return `You may not see ${what}`;
  if (error?.status === 404) return `There is no ${what.replace(/^(this|the) /, "such ")}`;
  if (error?.status === 0) return "The server does not answer";
  return `Reading ${what} failed`;
}
