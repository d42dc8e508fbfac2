/** What runs in a cluster and what belongs to it, kind by kind. */
import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { kindCountsQuery } from "../api/cluster-objects";
import { kindGroups, objectKind } from "../api/object-kinds";
import type { ResourcePath } from "../util/path-builder";
import { ClusterNames } from "./cluster-names";
import { ClusterObjects, type ObjectsSearch } from "./cluster-objects";

export const DEFAULT_KIND = "Deployment";

export interface WorkloadsSearch extends ObjectsSearch {
  kind?: string;
}

interface ClusterWorkloadsProps {
  path: ResourcePath;
  search: WorkloadsSearch;
  onSearch: (search: WorkloadsSearch) => void;
}

export function ClusterWorkloads({ path, search, onSearch }: ClusterWorkloadsProps) {
  const box = useId();
  const counts = useQuery(kindCountsQuery(path));
  const known = objectKind(search.kind ?? "") ?? objectKind(DEFAULT_KIND);
  const kind = known?.kind ?? DEFAULT_KIND;
  const lead = (
    <label htmlFor={box}>
      Kind
      {/* What was asked of one kind, but for the namespace, says nothing about another. */}
      <select
        id={box}
        value={kind}
        onChange={(event) => onSearch({ kind: event.target.value, namespace: search.namespace })}
      >
        {kindGroups().map(([group, kinds]) => (
          <optgroup key={group} label={group}>
            {kinds.map((one) => (
              <option key={one.kind} value={one.kind}>
                {one.label}
                {counts.data && !one.live ? ` (${(counts.data.get(one.kind) ?? 0).toLocaleString("en")})` : ""}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
    </label>
  );
  const ask = (next: ObjectsSearch) => onSearch({ ...next, kind: search.kind });
  const shown = { cluster: path, kind, search, onSearch: ask, lead };
  return known?.live ? <ClusterNames key={kind} {...shown} /> : <ClusterObjects key={kind} {...shown} />;
}
