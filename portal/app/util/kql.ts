/** Values inside of a query's text. */

/** A literal; what would end it is escaped, so that nothing that people type becomes a part of the query. */
export function literal(text: string): string {
  const escaped = text
    .replace(/[\\']/g, (letter) => `\\${letter}`)
    .replace(/\n/g, "\\n")
    .replace(/\r/g, "\\r");
  return `'${escaped}'`;
}
