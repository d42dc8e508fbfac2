/** The subscriptions that the caller may read. */
import { queryOptions } from "@tanstack/react-query";
import { subscriptionsList } from "./__generated__/operations";
import type { Subscription as GeneratedSubscription, SubscriptionList } from "./__generated__/types";
import { call, followPage } from "./http";

export interface Subscription {
  subscriptionId: string;
  displayName: string;
}

// The switcher lists them all; more than this many need a search, which this page does not have yet.
const PAGES_AT_MOST = 20;

export const subscriptionsQuery = queryOptions({
  queryKey: ["subscriptions"],
  queryFn: async ({ signal }): Promise<Subscription[]> => {
    let page: SubscriptionList = await call(subscriptionsList, { signal });
    const all = [...page.value];
    for (let n = 1; page.nextLink && n < PAGES_AT_MOST; n++) {
      page = await followPage<SubscriptionList>(page.nextLink, signal);
      all.push(...page.value);
    }
    return all.map(subscriptionOf);
  },
  staleTime: 60_000,
});

function subscriptionOf({
  id,
  subscriptionId = id.split("/").at(-1) ?? id,
  displayName,
}: GeneratedSubscription): Subscription {
  return { subscriptionId, displayName: displayName || subscriptionId };
}
