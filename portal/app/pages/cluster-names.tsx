/** A kind that agents do not watch, as Secrets: names out of the cluster itself, and nothing of what is in them. */
import { useInfiniteQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { liveNamesQuery, type NamedObject } from "../api/cluster-proxy";
import { createdAt } from "../api/kubernetes-facts";
import { objectKind } from "../api/object-kinds";
import { Age } from "../components/age";
import { AppLink } from "../components/app-link";
import { ClusterRefusal } from "../components/cluster-refusal";
import { NamespaceBox } from "../components/namespace-box";
import { type Column, Table } from "../table/table";
import { Button } from "../ui/button";
import { Loading } from "../ui/loading";
import { paths, type ResourcePath } from "../util/path-builder";
import { count } from "../util/quantity";
import type { ObjectsSearch } from "./cluster-objects";
import styles from "./cluster-page.module.css";

interface ClusterNamesProps {
  cluster: ResourcePath;
  kind: string;
  search: ObjectsSearch;
  onSearch: (search: ObjectsSearch) => void;
  lead?: ReactNode;
}

export function ClusterNames({ cluster, kind, search, onSearch, lead }: ClusterNamesProps) {
  return (
    <>
      <search className={styles.filter}>
        {lead}
        <NamespaceBox
          cluster={cluster}
          value={search.namespace}
          onChange={(namespace) => onSearch({ ...search, namespace })}
        />
      </search>
      <p className={styles.remark}>
        Asked of the cluster itself, under your name: agents never report secrets. Contents are not read.
      </p>
      <Names cluster={cluster} kind={kind} namespace={search.namespace} />
    </>
  );
}

function Names({ cluster, kind, namespace }: { cluster: ResourcePath; kind: string; namespace: string | undefined }) {
  const names = useInfiniteQuery(liveNamesQuery(cluster, kind, namespace));
  const { label = kind, noun = "object" } = objectKind(kind) ?? {};
  if (names.isPending) return <Loading what={`${noun}s out of the cluster`} />;
  if (names.isError && !names.data) {
    return <ClusterRefusal error={names.error} what={`its ${noun}s`} onRetry={() => names.refetch()} />;
  }
  const rows = names.data?.pages.flatMap((page) => page.names) ?? [];
  if (rows.length === 0) return <p className={styles.none}>There is no {noun} here.</p>;
  return (
    <>
      <Table label={label} rows={rows} columns={columnsOf(cluster)} rowKey={(row) => `${row.namespace}/${row.name}`} />
      <div className={styles.foot}>
        <span role="status">{`${count(rows.length, noun)}${names.hasNextPage ? ", and there are more" : ""}`}</span>
        {names.hasNextPage && (
          <Button disabled={names.isFetchingNextPage} onClick={() => names.fetchNextPage()}>
            Load more
          </Button>
        )}
        <Button onClick={() => names.refetch()} disabled={names.isFetching}>
          Ask again
        </Button>
      </div>
    </>
  );
}

function columnsOf(cluster: ResourcePath): Column<NamedObject>[] {
  return [
    {
      id: "name",
      header: "Name",
      cell: (row) => (
        <span title={row.name}>
          <AppLink to={paths.object(cluster, row)}>{row.name}</AppLink>
        </span>
      ),
    },
    { id: "namespace", header: "Namespace", size: "large", cell: (row) => row.namespace },
    { id: "type", header: "Type", cell: (row) => row.cells.Type, from: "tablet" },
    { id: "keys", header: "Keys", size: "small", align: "end", cell: (row) => row.cells.Data },
    { id: "age", header: "Age", size: "small", align: "end", cell: (row) => <Age since={createdAt(row)} /> },
  ];
}
