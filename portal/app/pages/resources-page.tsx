/** Everything in a subscription, in one list that keeps itself current. Filter and order are in the address. */
import { useMemo } from "react";
import { isListed, stateOf, typeName } from "../api/resource-facts";
import { AppLink } from "../components/app-link";
import { ErrorMessage } from "../components/error-message";
import { InterruptedNotice, LiveIndicator } from "../components/live-indicator";
import { useLiveView } from "../hooks/use-live";
import { formatSort, parseSort, sortRows } from "../table/sort";
import { Table } from "../table/table";
import { Button } from "../ui/button";
import { Loading } from "../ui/loading";
import { PageHeader } from "../ui/page-header";
import { paths } from "../util/path-builder";
import { count } from "../util/quantity";
import { NothingConnected } from "./nothing-connected";
import { RESOURCE_COLUMNS } from "./resources-columns";
import { countBy, filterResources, type ResourcesFilter } from "./resources-filter";
import { FilterBar } from "./resources-filter-bar";
import styles from "./resources-page.module.css";

export interface ResourcesSearch extends ResourcesFilter {
  sort?: string;
}

const DEFAULT_SORT = "name";

interface ResourcesPageProps {
  subscriptionId: string;
  search: ResourcesSearch;
  onSearch: (search: ResourcesSearch) => void;
}

export function ResourcesPage({ subscriptionId, search, onSearch }: ResourcesPageProps) {
  const { phase, resources, refusal } = useLiveView();
  const all = useMemo(() => resources.filter(isListed), [resources]);
  const known = phase === "live" || phase === "interrupted";
  if (refusal) return <ErrorMessage error={refusal} what="this subscription" />;
  return (
    <>
      <PageHeader
        title="All resources"
        aside={
          <>
            <AppLink to={paths.connectCluster({ subscriptionId })}>Connect a cluster</AppLink>
            <LiveIndicator />
          </>
        }
        below={known && <Summary total={all.length} />}
      />
      <InterruptedNotice />
      {!known && <Loading what="resources" />}
      {known && all.length === 0 && <NothingConnected subscriptionId={subscriptionId} />}
      {known && all.length > 0 && <ResourceList all={all} search={search} onSearch={onSearch} />}
    </>
  );
}

function Summary({ total }: { total: number }) {
  return <span>{total === 0 ? "Nothing yet" : count(total, "resource")}</span>;
}

function ResourceList({
  all,
  search,
  onSearch,
}: Omit<ResourcesPageProps, "subscriptionId"> & { all: ReturnType<typeof filterResources> }) {
  const sort = parseSort(search.sort ?? DEFAULT_SORT);
  const states = useMemo(() => countBy(all, (r) => stateOf(r)?.label), [all]);
  const types = useMemo(() => countBy(all, (r) => typeName(r.type)), [all]);
  const { q, type, state } = search;
  const rows = useMemo(() => {
    const column = RESOURCE_COLUMNS.find((c) => c.id === sort.column) ?? RESOURCE_COLUMNS[0];
    return sortRows(
      filterResources(all, { q, type, state }),
      column?.sortBy ?? ((r) => r.name),
      sort.descending,
      (r) => r.name,
    );
  }, [all, q, type, state, sort.column, sort.descending]);
  return (
    <>
      <FilterBar search={search} onSearch={onSearch} states={states} types={types} total={all.length} />
      <p className="visually-hidden" role="status">{`${count(rows.length, "resource")} shown`}</p>
      {rows.length > 0 ? (
        <Table
          label="Resources"
          rows={rows}
          columns={RESOURCE_COLUMNS}
          rowKey={(r) => r.id}
          sort={sort}
          onSort={(next) => onSearch({ ...search, sort: formatSort(next) })}
        />
      ) : (
        <div className={styles.none}>
          <p>No resource matches the filter.</p>
          <Button onClick={() => onSearch({ sort: search.sort })}>Clear the filter</Button>
        </div>
      )}
    </>
  );
}
