/**
 * Reading values whose shape the server's document leaves open: Kubernetes objects, and properties that a newer
 * server may say otherwise. What is not of the wanted type reads as absent, so that no page breaks on it.
 */
export type Json = unknown;

export function at(value: Json, ...path: Array<string | number>): Json {
  return path.reduce<Json>((node, key) => {
    if (Array.isArray(node)) return typeof key === "number" ? node.at(key) : undefined;
    if (typeof node !== "object" || node === null) return undefined;
    return Object.hasOwn(node, key) ? (node as Record<string, Json>)[key] : undefined;
  }, value);
}

export function text(value: Json, ...path: Array<string | number>): string | undefined {
  const found = at(value, ...path);
  return typeof found === "string" && found !== "" ? found : undefined;
}

export function number(value: Json, ...path: Array<string | number>): number | undefined {
  const found = at(value, ...path);
  return typeof found === "number" && Number.isFinite(found) ? found : undefined;
}

export function list(value: Json, ...path: Array<string | number>): Json[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

export function textMap(value: Json, ...path: Array<string | number>): Record<string, string> {
  const found = at(value, ...path);
  if (typeof found !== "object" || found === null || Array.isArray(found)) return {};
  return Object.fromEntries(
    Object.entries(found).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
