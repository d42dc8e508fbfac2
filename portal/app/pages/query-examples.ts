/** Queries to begin with. They are data, so that the server's tests run each of them too. */
import examples from "./query-examples.json";

export interface Example {
  group: string;
  title: string;
  query: string;
}

const ALL: readonly Example[] = examples;

export const EXAMPLE_GROUPS: readonly string[] = [...new Set(ALL.map(({ group }) => group))];

/** Those whose tables the server has. */
export function examplesFor(tables: readonly string[]): Example[] {
  return ALL.filter(({ query }) => {
    const [table = ""] = query.split(/\s/);
    return tables.includes(table);
  });
}
