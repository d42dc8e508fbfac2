/** Queries that people keep and share: resources in a group, seen by who may read them there. */
import { queryOptions } from "@tanstack/react-query";
import {
  queriesCreateOrUpdate,
  queriesDelete,
  queriesListBySubscription,
  resourceGroupsList,
} from "./__generated__/operations";
import type { Query, QueryList } from "./__generated__/types";
import { call, followPage } from "./http";

export interface SavedQuery {
  id: string;
  name: string;
  subscriptionId: string;
  resourceGroupName: string;
  query: string;
  description: string;
}

// The panel lists them all; more than this many need a search.
const PAGES_AT_MOST = 10;

export function savedQueriesQuery(subscriptions: readonly string[]) {
  return queryOptions({
    queryKey: ["savedQueries", ...subscriptions],
    queryFn: async ({ signal }): Promise<SavedQuery[]> => {
      const lists = await Promise.all(subscriptions.map((subscriptionId) => savedIn(subscriptionId, signal)));
      return lists.flat().toSorted((a, b) => a.name.localeCompare(b.name));
    },
  });
}

async function savedIn(subscriptionId: string, signal: AbortSignal): Promise<SavedQuery[]> {
  let page: QueryList = await call(queriesListBySubscription, { path: { subscriptionId }, signal });
  const all = [...page.value];
  for (let n = 1; page.nextLink && n < PAGES_AT_MOST; n++) {
    page = await followPage<QueryList>(page.nextLink, signal);
    all.push(...page.value);
  }
  return all.map(savedOf);
}

function savedOf({ id, name, properties }: Query): SavedQuery {
  const [, , subscriptionId = "", , resourceGroupName = ""] = id.split("/");
  const { query = "", description = "" } = properties ?? {};
  return { id, name, subscriptionId, resourceGroupName, query, description };
}

export type NewSavedQuery = Omit<SavedQuery, "id">;

export async function saveQuery({ subscriptionId, resourceGroupName, name, query, description }: NewSavedQuery) {
  const path = { subscriptionId, resourceGroupName, queryName: name };
  // The server fills in id, name and type; the generated type wants them because it is also what GET gives.
  const body = { location: "global", properties: { query, description } } as Query;
  return savedOf(await call(queriesCreateOrUpdate, { path, body }));
}

export async function deleteQuery({ subscriptionId, resourceGroupName, name }: SavedQuery): Promise<void> {
  await call(queriesDelete, { path: { subscriptionId, resourceGroupName, queryName: name } });
}

/** Names of the groups in which a query may be kept. */
export function groupsQuery(subscriptionId: string) {
  return queryOptions({
    queryKey: ["resourceGroups", subscriptionId],
    queryFn: async ({ signal }): Promise<string[]> => {
      const page = await call(resourceGroupsList, { path: { subscriptionId }, signal });
      return page.value.map(({ name }) => name).toSorted();
    },
    enabled: subscriptionId !== "",
  });
}
