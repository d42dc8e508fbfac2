/** One kind of a cluster's objects as a table: what is shown is asked of the server, page by page and again and again. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import {
  type ClusterObject,
  type ObjectFilter,
  objectsQuery,
  refusalQuery,
  sortable,
  totalsQuery,
} from "../api/cluster-objects";
import { objectKind } from "../api/object-kinds";
import { ErrorMessage } from "../components/error-message";
import { NamespaceBox } from "../components/namespace-box";
import { WordsBox } from "../components/words-box";
import { formatSort, parseSort } from "../table/sort";
import { Table } from "../table/table";
import { Button } from "../ui/button";
import { Choice, Choices } from "../ui/choice";
import { Loading } from "../ui/loading";
import { Notice } from "../ui/notice";
import type { ResourcePath } from "../util/path-builder";
import { count } from "../util/quantity";
import styles from "./cluster-page.module.css";
import { columnsOf } from "./object-columns";

export interface ObjectsSearch {
  namespace?: string;
  q?: string;
  /** `wrong`: only what needs attention. */
  health?: string;
  sort?: string;
}

interface ClusterObjectsProps {
  cluster: ResourcePath;
  kind: string;
  search: ObjectsSearch;
  onSearch: (search: ObjectsSearch) => void;
  /** What stands before the filters. */
  lead?: ReactNode;
}

const TYPING_MILLISECONDS = 250;

export function ClusterObjects(props: ClusterObjectsProps) {
  const { kind, search } = props;
  const filter: ObjectFilter = {
    kind,
    namespace: search.namespace,
    q: search.q?.trim() || undefined,
    wrong: search.health === "wrong",
    sort: search.sort && sortable(search.sort.replace(/^-/, "")) ? search.sort : undefined,
  };
  return (
    <>
      <Filters {...props} filter={filter} />
      <ObjectList {...props} filter={filter} />
    </>
  );
}

function Filters({ cluster, kind, search, onSearch, lead, filter }: ClusterObjectsProps & { filter: ObjectFilter }) {
  const known = objectKind(kind);
  const totals = useQuery(totalsQuery(cluster, filter));
  return (
    <search className={styles.filter}>
      {lead}
      <WordsBox
        value={search.q ?? ""}
        onChange={(q) => onSearch({ ...search, q: q || undefined })}
        placeholder={kind === "Event" ? "About, reason…  ( / )" : "Name, label…  ( / )"}
        delay={TYPING_MILLISECONDS}
      />
      {!known?.clusterWide && (
        <NamespaceBox
          cluster={cluster}
          value={search.namespace}
          onChange={(namespace) => onSearch({ ...search, namespace })}
        />
      )}
      {known?.wrong && (
        <Choices legend="Health">
          <Choice
            label="All"
            n={totals.data?.total}
            pressed={!filter.wrong}
            onClick={() => onSearch({ ...search, health: undefined })}
          />
          <Choice
            label={kind === "Event" ? "Warnings" : "Needs attention"}
            n={totals.data?.wrong}
            pressed={filter.wrong === true}
            onClick={() => onSearch({ ...search, health: "wrong" })}
          />
        </Choices>
      )}
    </search>
  );
}

function ObjectList({ cluster, kind, search, onSearch, filter }: ClusterObjectsProps & { filter: ObjectFilter }) {
  const objects = useInfiniteQuery(objectsQuery(cluster, filter));
  const { label = kind, noun = "object", many } = objectKind(kind) ?? {};
  if (objects.isPending) return <Loading what={label.toLowerCase()} />;
  if (objects.isError && !objects.data) {
    const what = `the cluster's ${label.toLowerCase()}`;
    return <ErrorMessage error={objects.error} what={what} onRetry={() => objects.refetch()} />;
  }
  const rows: ClusterObject[] = objects.data?.pages.flatMap((page) => page.objects) ?? [];
  const total = objects.data?.pages.at(-1)?.total ?? rows.length;
  return (
    <>
      {objects.isError && <Notice tone="ended">This list is not current: {objects.error.message}</Notice>}
      {rows.length === 0 ? (
        <NothingFound cluster={cluster} kind={kind} filter={filter} search={search} onSearch={onSearch} />
      ) : (
        <Table
          label={label}
          rows={rows}
          columns={columnsOf(cluster, kind)}
          rowKey={(row) => row.uid || `${row.namespace}/${row.name}`}
          sort={parseSort(filter.sort ?? (kind === "Event" ? "-last" : "name"))}
          onSort={(next) => onSearch({ ...search, sort: formatSort(next) })}
        />
      )}
      <div className={styles.foot}>
        {rows.length > 0 && (
          <span role="status">
            {rows.length < total
              ? `${rows.length.toLocaleString("en")} of ${count(total, noun, many)}`
              : count(rows.length, noun, many)}
          </span>
        )}
        {objects.hasNextPage && (
          <Button disabled={objects.isFetchingNextPage} onClick={() => objects.fetchNextPage()}>
            {objects.isFetchingNextPage ? "Loading…" : "Load more"}
          </Button>
        )}
      </div>
    </>
  );
}

/** Nothing matches, nothing is there, or nothing may be seen: three things that look the same in an answer. */
function NothingFound({ cluster, kind, filter, search, onSearch }: ClusterObjectsProps & { filter: ObjectFilter }) {
  const filtered = Boolean(filter.q || filter.wrong || filter.namespace);
  const refused = useQuery({ ...refusalQuery(cluster), enabled: !filtered });
  const { noun = "object", many = `${noun}s` } = objectKind(kind) ?? {};
  if (refused.data) return <ErrorMessage error={refused.data} what="the objects of this cluster" />;
  if (filtered) {
    const place = filter.namespace ? ` in the namespace ${filter.namespace}` : "";
    return (
      <div className={styles.none}>
        <p>
          {filter.wrong && !filter.q
            ? `No ${noun}${place} needs attention.`
            : `The cluster's agent has reported no ${noun}${place}${filter.q ? ` that matches “${filter.q}”` : ""}.`}
        </p>
        <Button onClick={() => onSearch({ sort: search.sort })}>Show all {many}</Button>
      </div>
    );
  }
  return <p className={styles.none}>{`The cluster's agent has reported no ${noun}.`}</p>;
}
