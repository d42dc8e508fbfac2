/**
 * Takes out of a text what opens something: keys, tokens, passwords, credentials in addresses. For files that people send
 * to others. Names, addresses and messages stay: without them nobody can help.
 */
const HIDDEN = "(hidden)";

const RULES: Array<[RegExp, string]> = [
  [/-----BEGIN [A-Z ]+-----[\s\S]*?-----END [A-Z ]+-----/g, HIDDEN],
  // Three parts in base64url, the first of which begins as JSON does: a signed token.
  [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, HIDDEN],
  // Bowline's own tokens.
  [/\bbw[a-z]_[\w-]{6,}/g, HIDDEN],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${HIDDEN}`],
  [/([a-z][a-z0-9+.-]*:\/\/)[^/\s:@]+:[^/\s@]+@/gi, `$1${HIDDEN}@`],
  [
    /\b((?:[\w-]*(?:password|passwd|secret|token|api[_-]?key|private[_-]?key|client[_-]?secret))["']?\s*[:=]\s*["']?)[^\s"',;&}]{3,}/gi,
    `$1${HIDDEN}`,
  ],
];
/** Members whose name says that their value is nobody else's. */
const SECRET_MEMBER = /password|passwd|secret$|token$|privatekey|apikey|credential|certificate$/i;

export function redactText(text: string): string {
  return RULES.reduce((said, [pattern, instead]) => said.replace(pattern, instead), text);
}

/** The same through all members of a document. */
export function redact(value: unknown): unknown {
  if (typeof value === "string") return redactText(value);
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      SECRET_MEMBER.test(name) && typeof member === "string" && member !== "" ? HIDDEN : redact(member),
    ]),
  );
}
