/** All of an object as YAML: as it is in the cluster now, or as the server knows it. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { ClusterObject } from "../api/cluster-objects";
import { liveObjectQuery } from "../api/cluster-proxy";
import { ClusterRefusal } from "../components/cluster-refusal";
import { Button } from "../ui/button";
import { Choice, Choices } from "../ui/choice";
import { CopyButton } from "../ui/copy-button";
import { Icon } from "../ui/icon";
import { Loading } from "../ui/loading";
import type { ResourcePath } from "../util/path-builder";
import { saveFile } from "../util/save-file";
import styles from "./object-page.module.css";

interface ObjectYamlProps {
  path: ResourcePath;
  known: ClusterObject;
}

export function ObjectYaml({ path, known }: ObjectYamlProps) {
  const [source, setSource] = useState<"live" | "copy">("live");
  const { kind, namespace, name } = known;
  const live = useQuery({ ...liveObjectQuery(path, { kind, namespace, name }), enabled: source === "live" });
  const object = source === "live" ? live.data?.object : known.object;
  const yaml = useYaml(object);
  return (
    <>
      <div className={styles.toolbar}>
        <Choices legend="Where it is read">
          <Choice label="In the cluster" pressed={source === "live"} onClick={() => setSource("live")} />
          <Choice label="As the agent reported it" pressed={source === "copy"} onClick={() => setSource("copy")} />
        </Choices>
        <span className={styles.gap} />
        {source === "live" && (
          <Button onClick={() => live.refetch()} disabled={live.isFetching}>
            Read again
          </Button>
        )}
        {yaml && <CopyButton text={yaml} />}
        {yaml && (
          <Button onClick={() => saveFile(`${name}.yaml`, yaml, "application/yaml")}>
            <Icon name="download" /> Save
          </Button>
        )}
      </div>
      {source === "live" && live.isPending && <Loading what="the object out of the cluster" />}
      {source === "live" && live.isError && (
        <ClusterRefusal error={live.error} what={`this ${kind}`} onRetry={() => live.refetch()} />
      )}
      {yaml && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        <section aria-label="YAML" className={styles.code} tabIndex={0}>
          <pre className={styles.wraps}>
            <code>{yaml}</code>
          </pre>
        </section>
      )}
      {yaml && source === "copy" && (
        <p className={styles.status}>
          Without what changes all the time and what could be secret: values in config maps and environments, and
          annotations that repeat them.
        </p>
      )}
    </>
  );
}

/** The writer of YAML is a chunk of its own: only this view needs it. */
function useYaml(object: unknown): string | undefined {
  const writer = useQuery({
    queryKey: ["yamlWriter"],
    queryFn: () => import("yaml").then(({ stringify }) => stringify),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!writer.data || object === undefined) return undefined;
  return writer.data(withoutManagers(object), { lineWidth: 0, aliasDuplicateObjects: false });
}

/** As kubectl shows it: who manages which field is longer than all the rest, and seldom what one looks for. */
function withoutManagers(object: unknown): unknown {
  if (typeof object !== "object" || object === null || !("metadata" in object)) return object;
  const { managedFields: _, ...metadata } = object.metadata as Record<string, unknown>;
  return { ...object, metadata };
}
