/**
 * The portal's queries over Kubernetes objects, as the mock understands them: by the words that the portal writes. That
 * they mean the same on the real engine is for `test/real` and the end-to-end tests of the server to show.
 */
import type { Made } from "./cluster-objects.ts";
import type { World } from "./world.ts";

export interface Answered {
  columns: Array<{ name: string; type: string }>;
  rows: unknown[][];
}

export function answerObjects(world: World, query: string): Answered | undefined {
  if (!/^(let here = )?KubernetesObjects/.test(query)) return undefined;
  const id = /clusterId =~ '([^']+)'/.exec(query)?.[1];
  const objects = world.objects(id ?? "").filter((one) => matches(one, query));
  if (/summarize objects = count\(\) by kind/.test(query)) return countsOf(objects);
  if (/newest = max\(last\)/.test(query)) return reportOf(objects);
  if (/summarize total = count\(\)/.test(query)) return totalsOf(objects);
  if (/distinct namespace/.test(query)) {
    const names = [...new Set(objects.map(({ namespace }) => namespace))].filter(Boolean).sort();
    return { columns: [{ name: "namespace", type: "string" }], rows: names.map((name) => [name]) };
  }
  if (/ownerReferences/.test(query)) return shown(owned(objects, query));
  return shown(ordered(objects, query));
}

function matches(one: Made, query: string): boolean {
  const is = (column: "kind" | "namespace" | "name") => {
    // Of the first condition only: a further one may be about something else.
    const [, wanted] = new RegExp(`(?:where|and) ${column} == '([^']*)'`).exec(query.split("\nlet ")[0] ?? "") ?? [];
    return wanted === undefined || one[column] === wanted;
  };
  if (/ownerReferences/.test(query)) return true;
  if (!is("kind") || !is("namespace") || !is("name")) return false;
  const [, node] = /tostring\(spec\.nodeName\) == '([^']+)'/.exec(query) ?? [];
  if (node && (one.object.spec as { nodeName?: string } | undefined)?.nodeName !== node) return false;
  const chosen = [...query.matchAll(/tostring\(labels\['([^']+)'\]\) == '([^']+)'/g)];
  const labelled = (metadataOf(one).labels ?? {}) as Record<string, string>;
  if (chosen.length > 0) return chosen.every(([, key = "", value]) => labelled[key] === value);
  const { about, reason } = aboutOf(one);
  const asked = /involvedObject\.kind\) == '([^']+)' and tostring\(object\.involvedObject\.name\) == '([^']+)'/.exec(
    query,
  );
  if (asked && !(about?.kind === asked[1] && about?.name === asked[2])) return false;
  const words = [...query.matchAll(/where name contains '([^']*)'/g)].map(([, word = ""]) => word.toLowerCase());
  const labels = JSON.stringify(metadataOf(one).labels ?? {});
  const said = `${one.name} ${one.namespace} ${labels} ${JSON.stringify(about)} ${reason}`.toLowerCase();
  return words.every((word) => said.includes(word)) && (one.wrong || !asksForWrong(query));
}

/** The one condition that is about neither the place nor words. */
function asksForWrong(query: string): boolean {
  const others = /^\| where (?!namespace ==|name contains|tostring\(labels|\(tostring\(object\.involved)/m;
  return others.test(query.slice(query.indexOf("kind ==")));
}

interface Metadata {
  creationTimestamp: string;
  labels?: object;
  ownerReferences?: Array<{ uid: string }>;
}

function metadataOf(one: Made): Metadata {
  return one.object.metadata as Metadata;
}

interface EventContent {
  involvedObject?: { kind: string; name: string };
  regarding?: { kind: string; name: string };
  reason?: string;
  lastTimestamp?: string;
  series?: { lastObservedTime: string };
}

function aboutOf({ object }: Made) {
  const { involvedObject, regarding, reason = "", lastTimestamp, series }: EventContent = object;
  return { about: involvedObject ?? regarding, reason, last: series?.lastObservedTime ?? lastTimestamp ?? "" };
}

function countsOf(objects: Made[]): Answered {
  const counts = new Map<string, number>();
  for (const { kind } of objects) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const columns = [
    { name: "kind", type: "string" },
    { name: "objects", type: "integer" },
  ];
  return { columns, rows: [...counts] };
}

function reportOf(objects: Made[]): Answered {
  const columns = [
    { name: "objects", type: "integer" },
    { name: "newest", type: "datetime" },
  ];
  const times = objects.map((one) => aboutOf(one).last || metadataOf(one).creationTimestamp);
  return { columns, rows: [[objects.length, times.toSorted().at(-1)]] };
}

function totalsOf(objects: Made[]): Answered {
  const columns = ["total", "wrong"].map((name) => ({ name, type: "integer" }));
  return { columns, rows: [[objects.length, objects.filter(({ wrong }) => wrong).length]] };
}

function owned(objects: Made[], query: string): Made[] {
  const uid = /contains_cs '([^']+)'/.exec(query)?.[1];
  const ownerOf = (one: Made) => metadataOf(one).ownerReferences?.[0]?.uid;
  const first = objects.filter((one) => ownerOf(one) === uid);
  const below = objects.filter((one) => one.kind === "Pod" && first.some((owner) => owner.uid === ownerOf(one)));
  return [...first, ...below];
}

function ordered(objects: Made[], query: string): Made[] {
  const [, column, direction] = /order by (\w+) (asc|desc)/.exec(query) ?? [];
  const sign = direction === "desc" ? -1 : 1;
  const value = (one: Made) => {
    if (column === "last") return aboutOf(one).last;
    if (column === "created") return metadataOf(one).creationTimestamp;
    return column === "namespace" ? one.namespace : one.name;
  };
  return objects.toSorted((a, b) => sign * value(a).localeCompare(value(b)) || a.name.localeCompare(b.name));
}

function shown(objects: Made[]): Answered {
  const names = ["uid", "apiVersion", "kind", "namespace", "name", "object"] as const;
  return {
    columns: names.map((name) => ({ name, type: name === "object" ? "object" : "string" })),
    rows: objects.map((one) => names.map((name) => one[name])),
  };
}
