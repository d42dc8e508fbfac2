/** One kind of a cluster's objects as a table, page by page. The three tabs differ in kind and columns only. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { type KubernetesObject, kubernetesObjectsQuery } from "../api/inventory";
import { ErrorMessage } from "../components/error-message";
import { type Column, Table } from "../table/table";
import { Button } from "../ui/button";
import { Loading } from "../ui/loading";
import { Notice } from "../ui/notice";
import type { ResourcePath } from "../util/path-builder";
import { count } from "../util/quantity";
import styles from "./cluster-page.module.css";

interface ClusterObjectsProps {
  cluster: ResourcePath;
  kind: string;
  namespace?: string;
  label: string;
  /** What one of them is called, in the middle of a sentence. */
  noun: string;
  columns: readonly Column<KubernetesObject>[];
  order?: (a: KubernetesObject, b: KubernetesObject) => number;
}

export function ClusterObjects({ cluster, kind, namespace, label, noun, columns, order }: ClusterObjectsProps) {
  const objects = useInfiniteQuery(kubernetesObjectsQuery(cluster, kind, namespace));
  if (objects.isPending) return <Loading what={label.toLowerCase()} />;
  if (objects.isError && !objects.data) {
    return (
      <ErrorMessage
        error={objects.error}
        what={`the cluster's ${label.toLowerCase()}`}
        onRetry={() => objects.refetch()}
      />
    );
  }
  const loaded = objects.data?.pages.flatMap((page) => page.value) ?? [];
  const rows = order ? loaded.toSorted(order) : loaded;
  return (
    <>
      {objects.isError && <Notice tone="ended">This list is not current: {objects.error.message}</Notice>}
      {rows.length === 0 ? (
        <p
          className={styles.none}
        >{`The cluster's agent has reported no ${noun}${namespace ? ` in the namespace ${namespace}` : ""}.`}</p>
      ) : (
        <Table label={label} rows={rows} columns={columns} rowKey={(row) => row.id} />
      )}
      <div className={styles.foot}>
        {rows.length > 0 && (
          <span role="status">
            {count(rows.length, noun)}
            {objects.hasNextPage ? " loaded, there are more" : ""}
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
