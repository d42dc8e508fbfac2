// OpenAPI operations to constants that carry their types: method, path template and api-version as values, path
// parameters, query, body and answer as a phantom type. `app/api/http.ts` runs them, `mock-api` answers them; both are
// held to the same document by the compiler.
import { typeName, typeOf } from "./types.mjs";

const METHODS = ["get", "put", "patch", "post", "delete", "head"];

export function renderOperations(document) {
  const constants = [];
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method];
      if (operation) constants.push(renderOperation(document, path, method, item, operation));
    }
  }
  return `import type * as types from "./types";\n${OPERATION}${constants.sort().join("")}`;
}

const OPERATION = `
/** One operation of the API. */
export interface Operation<Shape extends { path: object; query: object; body: unknown; answer: unknown }> {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly apiVersion: string | undefined;
  /** Never set: it carries the types of path, query, body and answer. */
  readonly shape?: Shape;
}

export type ShapeOf<O> = O extends Operation<infer Shape> ? Shape : never;
`;

function renderOperation(document, path, method, item, operation) {
  const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((p) => resolve(document, p));
  const version = parameters.find((p) => p.in === "query" && p.name === "api-version");
  const query = parameters.filter((p) => p.in === "query" && p !== version);
  const shape = [
    `  path: ${members(
      parameters.filter((p) => p.in === "path"),
      true,
    )};`,
    `  query: ${members(query, false)};`,
    `  body: ${typeOf(content(operation.requestBody), "types.")};`.replace(
      "unknown",
      operation.requestBody ? "unknown" : "undefined",
    ),
    `  answer: ${answer(operation)};`,
  ];
  const name = constantName(operation, method, path);
  const value = {
    id: operation.operationId ?? name,
    method: method.toUpperCase(),
    path,
    apiVersion: version && newest(version.schema),
  };
  const fields = Object.entries(value).map(
    ([key, v]) => `  ${key}: ${v === undefined ? "undefined" : JSON.stringify(v)},`,
  );
  const summary = operation.summary ? `/** ${operation.summary}. */\n` : "";
  return `\n${summary}export const ${name}: Operation<{\n${shape.join("\n")}\n}> = {\n${fields.join("\n")}\n};\n`;
}

function resolve(document, parameter) {
  if (!parameter.$ref) return parameter;
  return parameter.$ref
    .slice(2)
    .split("/")
    .reduce((node, key) => node[key], document);
}

function constantName(operation, method, path) {
  const name = typeName(operation.operationId ?? `${method}_${path}`);
  return name[0].toLowerCase() + name.slice(1);
}

function newest(schema = {}) {
  return schema.default ?? schema.const ?? [...(schema.enum ?? [])].sort().at(-1);
}

function members(parameters, allRequired) {
  if (parameters.length === 0) return "Record<never, never>";
  const list = parameters.map((p) => {
    const key = /^[A-Za-z_]\w*$/.test(p.name) ? p.name : JSON.stringify(p.name);
    return `${key}${allRequired || p.required ? "" : "?"}: ${typeOf(p.schema, "types.")}`;
  });
  return `{ ${list.join("; ")} }`;
}

function content(holder) {
  return holder?.content?.["application/json"]?.schema;
}

function answer(operation) {
  const good = Object.entries(operation.responses ?? {}).filter(([status]) => status.startsWith("2"));
  const schemas = good.map(([, response]) => content(response)).filter(Boolean);
  return schemas.length === 0 ? "undefined" : [...new Set(schemas.map((s) => typeOf(s, "types.")))].join(" | ");
}
