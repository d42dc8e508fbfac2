/**
 * Every address of the portal, and the page it shows. Routes read the address and hand plain values to pages; pages
 * hand wishes back (`onSearch`), so that only this file knows the router.
 */
import { useQuery } from "@tanstack/react-query";
import {
  createRootRoute,
  createRoute,
  createRouter,
  Navigate,
  Outlet,
  useNavigate,
  useParams,
} from "@tanstack/react-router";
import { lazy, Suspense, useEffect } from "react";
import { isSignedOut, sessionQuery } from "./api/session";
import { subscriptionsQuery } from "./api/subscriptions";
import { ErrorMessage } from "./components/error-message";
import { Shell } from "./components/shell";
import { ConnectCluster, type ConnectSearch } from "./forms/connect-cluster";
import { LiveProvider } from "./hooks/use-live";
import { useTitle } from "./hooks/use-title";
import { ClusterDiagnose } from "./pages/cluster-diagnose";
import { ClusterObjects, type ObjectsSearch } from "./pages/cluster-objects";
import { ClusterOverview } from "./pages/cluster-overview";
import { ClusterPage } from "./pages/cluster-page";
import { ClusterWorkloads, type WorkloadsSearch } from "./pages/cluster-workloads";
import { MissingPage } from "./pages/missing-page";
import { NoSubscriptionPage } from "./pages/no-subscription-page";
import { ObjectPage, type ObjectSearch } from "./pages/object-page";
import type { QuerySearch } from "./pages/query-page";
import { ResourcePage } from "./pages/resource-page";
import { ResourcesPage, type ResourcesSearch } from "./pages/resources-page";
import { ServerPage } from "./pages/server-page";
import { SignedOutPage } from "./pages/signed-out-page";
import { Loading } from "./ui/loading";
import { BASE, NO_NAMESPACE, paths, type ResourcePath, signInAddress } from "./util/path-builder";

// With its charts, and the editor behind it: a chunk of its own, so that other pages do not carry it.
const QueryPage = lazy(() => import("./pages/query-page").then((module) => ({ default: module.QueryPage })));

const rootRoute = createRootRoute({ component: Outlet, notFoundComponent: Missing });

const signedOutRoute = createRoute({ getParentRoute: () => rootRoute, path: "/signed-out", component: SignedOut });

/** All pages that need a session. */
const appRoute = createRoute({ getParentRoute: () => rootRoute, id: "app", component: SignedIn });

const homeRoute = createRoute({ getParentRoute: () => appRoute, path: "/", component: Home });

const subscriptionRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/subscriptions/$subscriptionId",
  component: function InSubscription() {
    const { subscriptionId } = subscriptionRoute.useParams();
    return (
      <LiveProvider key={subscriptionId} subscriptionId={subscriptionId}>
        <Outlet />
      </LiveProvider>
    );
  },
});

const resourcesRoute = createRoute({
  getParentRoute: () => subscriptionRoute,
  path: "/resources",
  validateSearch: (search): ResourcesSearch => texts(search, ["q", "type", "state", "sort"]),
  component: function Resources() {
    useTitle("All resources");
    const navigate = resourcesRoute.useNavigate();
    // Typing in the filter is no place to come back to: it replaces the address.
    return (
      <ResourcesPage
        subscriptionId={resourcesRoute.useParams().subscriptionId}
        search={resourcesRoute.useSearch()}
        onSearch={(search) => navigate({ search, replace: true })}
      />
    );
  },
});

const connectRoute = createRoute({
  getParentRoute: () => subscriptionRoute,
  path: "/connect-cluster",
  validateSearch: (search): ConnectSearch => texts(search, ["name", "group", "location", "tags", "how"]),
  component: function Connect() {
    useTitle("Connect a cluster");
    const { subscriptionId } = connectRoute.useParams();
    const navigate = connectRoute.useNavigate();
    const search = connectRoute.useSearch();
    const subscriptions = useQuery(subscriptionsQuery);
    return (
      <ConnectCluster
        subscriptionId={subscriptionId}
        subscriptions={subscriptions.data ?? []}
        search={search}
        onSearch={(next) => navigate({ search: next, replace: true })}
        onSubscription={(id) => navigate({ to: paths.connectCluster({ subscriptionId: id }), search })}
      />
    );
  },
});

/** Over everything that the caller may see, so outside of a subscription. */
const queryRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/query",
  validateSearch: (search): QuerySearch => texts(search, ["q", "scope"]),
  component: function Query() {
    useTitle("Query");
    const navigate = queryRoute.useNavigate();
    const subscriptions = useQuery(subscriptionsQuery);
    return (
      <Suspense fallback={<Loading what="the query page" />}>
        <QueryPage
          search={queryRoute.useSearch()}
          onSearch={(search) => navigate({ search })}
          subscriptions={subscriptions.data ?? []}
        />
      </Suspense>
    );
  },
});

const resourceRoute = createRoute({
  getParentRoute: () => subscriptionRoute,
  path: "/resource/$",
  component: function Resource() {
    const { subscriptionId, _splat } = resourceRoute.useParams();
    useTitle(_splat?.split("/").at(-1));
    return <ResourcePage id={`/subscriptions/${subscriptionId}/${_splat ?? ""}`} />;
  },
});

const serverRoute = createRoute({
  getParentRoute: () => subscriptionRoute,
  path: "/resourceGroups/$resourceGroupName/servers/$name",
  component: function Server() {
    const path = serverRoute.useParams();
    useTitle(path.name);
    return <ServerPage path={path} />;
  },
});

const CLUSTER = "/resourceGroups/$resourceGroupName/clusters/$name" as const;

const clusterRoute = createRoute({
  getParentRoute: () => subscriptionRoute,
  path: CLUSTER,
  component: function Overview() {
    const path = useCluster(clusterRoute.useParams(), "Overview");
    return <ClusterPage path={path}>{(cluster) => <ClusterOverview cluster={cluster} />}</ClusterPage>;
  },
});

const OBJECTS_SEARCH: Array<keyof ObjectsSearch> = ["namespace", "q", "health", "sort"];

const nodesRoute = createRoute({
  getParentRoute: () => subscriptionRoute,
  path: `${CLUSTER}/nodes`,
  validateSearch: (search): ObjectsSearch => texts(search, OBJECTS_SEARCH),
  component: function Nodes() {
    const path = useCluster(nodesRoute.useParams(), "Nodes");
    const navigate = nodesRoute.useNavigate();
    const search = nodesRoute.useSearch();
    const onSearch = (next: ObjectsSearch) => navigate({ search: next, replace: true });
    return (
      <ClusterPage path={path}>
        {() => <ClusterObjects cluster={path} kind="Node" search={search} onSearch={onSearch} />}
      </ClusterPage>
    );
  },
});

const workloadsRoute = createRoute({
  getParentRoute: () => subscriptionRoute,
  path: `${CLUSTER}/workloads`,
  validateSearch: (search): WorkloadsSearch => texts(search, ["kind", ...OBJECTS_SEARCH]),
  component: function Workloads() {
    const path = useCluster(workloadsRoute.useParams(), "Workloads");
    const navigate = workloadsRoute.useNavigate();
    const search = workloadsRoute.useSearch();
    // Another kind is a place to come back to; typing in the filter is not.
    const onSearch = (next: WorkloadsSearch) => navigate({ search: next, replace: next.kind === search.kind });
    return (
      <ClusterPage path={path}>
        {() => <ClusterWorkloads path={path} search={search} onSearch={onSearch} />}
      </ClusterPage>
    );
  },
});

const objectRoute = createRoute({
  getParentRoute: () => subscriptionRoute,
  path: `${CLUSTER}/workloads/$kind/$namespace/$object`,
  validateSearch: (search): ObjectSearch => texts(search, ["view", "container", "previous"]),
  component: function KubernetesObject() {
    const { kind, namespace, object, ...cluster } = objectRoute.useParams();
    const path = useCluster(cluster, object);
    const navigate = objectRoute.useNavigate();
    const search = objectRoute.useSearch();
    const of = { kind, namespace: namespace === NO_NAMESPACE ? "" : namespace, name: object };
    return (
      <ClusterPage path={path}>
        {() => <ObjectPage path={path} of={of} search={search} onSearch={(next) => navigate({ search: next })} />}
      </ClusterPage>
    );
  },
});

const eventsRoute = createRoute({
  getParentRoute: () => subscriptionRoute,
  path: `${CLUSTER}/events`,
  validateSearch: (search): ObjectsSearch => texts(search, OBJECTS_SEARCH),
  component: function Events() {
    const path = useCluster(eventsRoute.useParams(), "Events");
    const navigate = eventsRoute.useNavigate();
    const search = eventsRoute.useSearch();
    const onSearch = (next: ObjectsSearch) => navigate({ search: next, replace: true });
    return (
      <ClusterPage path={path}>
        {() => <ClusterObjects cluster={path} kind="Event" search={search} onSearch={onSearch} />}
      </ClusterPage>
    );
  },
});

const diagnoseRoute = createRoute({
  getParentRoute: () => subscriptionRoute,
  path: `${CLUSTER}/diagnose`,
  component: function Diagnose() {
    const path = useCluster(diagnoseRoute.useParams(), "Diagnose");
    return <ClusterPage path={path}>{(cluster) => <ClusterDiagnose path={path} cluster={cluster} />}</ClusterPage>;
  },
});

const routeTree = rootRoute.addChildren([
  signedOutRoute,
  appRoute.addChildren([
    homeRoute,
    queryRoute,
    subscriptionRoute.addChildren([
      resourcesRoute,
      connectRoute,
      resourceRoute,
      serverRoute,
      clusterRoute,
      nodesRoute,
      workloadsRoute,
      objectRoute,
      eventsRoute,
      diagnoseRoute,
    ]),
  ]),
]);

export const router = createRouter({
  routeTree,
  basepath: BASE,
  defaultNotFoundComponent: Missing,
  scrollRestoration: false,
});

function Missing() {
  useTitle("No such page");
  return (
    <main>
      <MissingPage />
    </main>
  );
}

function SignedOut() {
  useTitle("Signed out");
  return <SignedOutPage />;
}

/** Leaves to sign in when there is no session; otherwise the shell, with the page inside. */
function SignedIn() {
  const session = useQuery(sessionQuery);
  const subscriptions = useQuery({ ...subscriptionsQuery, enabled: session.isSuccess });
  const { subscriptionId } = useParams({ strict: false });
  const navigate = useNavigate();
  const signedOut = isSignedOut(session.error) || isSignedOut(subscriptions.error);
  useEffect(() => {
    if (signedOut) location.assign(signInAddress(location.pathname + location.search));
  }, [signedOut]);
  if (signedOut) return <Loading what="the sign-in page" />;
  const failed = [session, subscriptions].find((query) => query.isError && query.data === undefined);
  if (failed)
    return (
      <main>
        <ErrorMessage error={failed.error} what="your session" onRetry={() => failed.refetch()} />
      </main>
    );
  if (!session.data || !subscriptions.data) return <Loading what="Bowline" />;
  return (
    <Shell
      session={session.data}
      subscriptions={subscriptions.data}
      subscriptionId={subscriptionId ?? subscriptions.data[0]?.subscriptionId}
      onSubscription={(id) => navigate({ to: paths.resources({ subscriptionId: id }) })}
    >
      {subscriptions.data.length === 0 ? <NoSubscriptionPage username={session.data.username} /> : <Outlet />}
    </Shell>
  );
}

/** The portal opens with the first subscription's resources. */
function Home() {
  const { data } = useQuery(subscriptionsQuery);
  const first = data?.[0];
  return first ? <Navigate to={paths.resources({ subscriptionId: first.subscriptionId })} replace /> : null;
}

function useCluster(path: ResourcePath, tab: string): ResourcePath {
  useTitle(`${path.name} · ${tab}`);
  return path;
}

/** The members of a search that are texts and known; anything else in an address is left out. */
function texts<Key extends string>(search: Record<string, unknown>, keys: Key[]): Partial<Record<Key, string>> {
  const known = keys.flatMap((key) => {
    const value = search[key];
    return typeof value === "string" || typeof value === "number" ? [[key, String(value)]] : [];
  });
  return Object.fromEntries(known) as Partial<Record<Key, string>>;
}
