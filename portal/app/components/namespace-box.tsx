/** Chooses one of a cluster's namespaces, or all. */
import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { namespacesQuery } from "../api/cluster-objects";
import type { ResourcePath } from "../util/path-builder";

interface NamespaceBoxProps {
  cluster: ResourcePath;
  value: string | undefined;
  onChange: (namespace: string | undefined) => void;
}

export function NamespaceBox({ cluster, value, onChange }: NamespaceBoxProps) {
  const id = useId();
  const namespaces = useQuery(namespacesQuery(cluster));
  const names = new Set(namespaces.data);
  if (value) names.add(value);
  return (
    <label htmlFor={id}>
      Namespace
      <select id={id} value={value ?? ""} onChange={(event) => onChange(event.target.value || undefined)}>
        <option value="">All namespaces</option>
        {[...names].sort().map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
