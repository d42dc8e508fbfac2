/** Who is signed in, and the way out. The session is a cookie that scripts cannot read; the server tells who it is. */
import { queryOptions } from "@tanstack/react-query";
import { portalSessionGet, portalSessionSignOut } from "./__generated__/operations";
import type { PortalSession } from "./__generated__/types";
import { ApiError, call } from "./http";

export type Session = PortalSession;

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }): Promise<Session> => call(portalSessionGet, { signal }),
  staleTime: 60_000,
});

export async function signOut(): Promise<void> {
  await call(portalSessionSignOut);
}

export function isSignedOut(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401;
}
