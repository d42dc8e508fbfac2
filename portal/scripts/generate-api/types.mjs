// OpenAPI schemas to TypeScript types. Only what our own documents use: objects, arrays, maps, enums, references,
// allOf and oneOf. A schema that says nothing about its type is `unknown`, so that its reader has to look.

export function renderTypes(document) {
  const schemas = Object.entries(document.components?.schemas ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return schemas
    .map(([name, schema]) => `\n${comment(schema)}export type ${typeName(name)} = ${typeOf(schema)};\n`)
    .join("");
}

/** A schema's name as an identifier: what is no letter or digit starts a new word. */
export function typeName(name) {
  return name
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean)
    .map((word) => word[0].toUpperCase() + word.slice(1))
    .join("");
}

export function typeOf(schema, prefix = "") {
  if (schema === undefined || schema === true) return "unknown";
  if (schema.$ref) return prefix + typeName(schema.$ref.split("/").at(-1));
  if (schema.allOf) return schema.allOf.map((part) => typeOf(part, prefix)).join(" & ");
  const variants = schema.oneOf ?? schema.anyOf;
  if (variants) return variants.map((part) => `(${typeOf(part, prefix)})`).join(" | ");
  if (schema.enum) return enumOf(schema);
  if (Array.isArray(schema.type)) {
    return schema.type.map((type) => typeOf({ ...schema, type }, prefix)).join(" | ");
  }
  if (schema.type === "array") return `Array<${typeOf(schema.items, prefix)}>`;
  if (schema.type === "object" || schema.properties) return objectOf(schema, prefix);
  return (
    { string: "string", integer: "number", number: "number", boolean: "boolean", null: "null" }[schema.type] ??
    "unknown"
  );
}

// ARM's enums are open: a newer server may say a word that this client does not know.
function enumOf(schema) {
  const words = schema.enum.map((word) => JSON.stringify(word)).join(" | ");
  return schema["x-open-enum"] || schema["x-ms-enum"]?.modelAsString ? `${words} | (string & {})` : words;
}

function objectOf(schema, prefix) {
  const required = new Set(schema.required ?? []);
  const members = Object.entries(schema.properties ?? {}).map(([name, member]) => {
    const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
    return `${comment(member)}${key}${required.has(name) ? "" : "?"}: ${typeOf(member, prefix)};`;
  });
  const extra = schema.additionalProperties;
  const open =
    extra === undefined || extra === false
      ? ""
      : `Record<string, ${typeOf(extra === true ? undefined : extra, prefix)}>`;
  if (members.length === 0) return open || "Record<string, unknown>";
  const body = `{\n${members.join("\n").replace(/^/gm, "  ")}\n}`;
  return open ? `${body} & ${open}` : body;
}

function comment(schema) {
  return schema?.description ? `/** ${schema.description.replaceAll("*/", "* /").replaceAll("\n", " ")} */\n` : "";
}
