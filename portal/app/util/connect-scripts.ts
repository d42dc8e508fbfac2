/** The commands that connect a cluster, for the shells that people have. */

export interface Wanted {
  /** The server's address, as this browser knows it. */
  server: string;
  subscriptionId: string;
  group: string;
  /** Whether the group is made on the way. */
  newGroup: boolean;
  name: string;
  /** Without, the group's. */
  location?: string;
  tags: Record<string, string>;
}

export type Shell = "bash" | "powershell";

/** `key=value` words, as they are typed, to tags; undefined when one is not of that form. */
export function parseTags(text: string): Record<string, string> | undefined {
  const words = text.split(/[\s,]+/).filter(Boolean);
  const pairs = words.map((word) => /^([^=]+)=(.*)$/.exec(word));
  if (pairs.some((pair) => pair === null)) return undefined;
  return Object.fromEntries(pairs.flatMap((pair) => (pair ? [[pair[1] ?? "", pair[2] ?? ""]] : [])));
}

/** What the server says about names, so that nobody learns it from a refusal. */
export function wrongName(name: string): string | undefined {
  if (name.length > 63) return "At most 63 letters.";
  return /^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/.test(name)
    ? undefined
    : "Letters, digits, - _ and . with a letter or digit at both ends.";
}

export function wrongGroup(group: string): string | undefined {
  if (group.length > 90) return "At most 90 letters.";
  return /^[\w().-]*[\w()-]$/.test(group) ? undefined : "Letters, digits, - _ ( ) and . but no . at the end.";
}

export function signInCommand({ server }: Wanted, shell: Shell): string {
  return command(["bowline", "login", "--server", server], [], shell);
}

export function connectCommand(wanted: Wanted, shell: Shell): string {
  const tags = Object.entries(wanted.tags).map(([key, value]) => `${key}=${value}`);
  const options = [
    ["--name", wanted.name],
    ["--group", wanted.group, ...(wanted.newGroup ? ["--create-group"] : [])],
    ["--subscription", wanted.subscriptionId],
    ...(wanted.location ? [["--location", wanted.location]] : []),
    ...(tags.length > 0 ? [["--tags", ...tags]] : []),
  ];
  return command(["bowline", "cluster", "connect"], options, shell);
}

/** The chart of the server's own registry, with a file of values. */
export function helmCommand({ server }: Wanted, file: string, shell: Shell): string {
  const chart = `oci://${new URL(server).host}/charts/bowline-agent`;
  return command(
    ["helm", "upgrade", "--install", "bowline-agent", chart],
    [["--namespace", "bowline-system", "--create-namespace"], ["--values", file], ["--wait"]],
    shell,
  );
}

/** The same as one manifest, for whoever keeps manifests and not releases; without a namespace of its own it holds that too. */
export function manifestCommand({ server }: Wanted, file: string, manifest: string, shell: Shell): string {
  const chart = `oci://${new URL(server).host}/charts/bowline-agent`;
  const render = command(["helm", "template", "bowline-agent", chart, "--values", file], [], shell);
  return `${render} > ${quote(manifest, shell)}\n${command(["kubectl", "apply", "-f", manifest], [], shell)}`;
}

/** A command with each group of options on a line of its own. */
function command(words: string[], options: string[][], shell: Shell): string {
  const line = (parts: string[]) => parts.map((part) => quote(part, shell)).join(" ");
  return [words, ...options].map(line).join(shell === "bash" ? " \\\n  " : " `\n  ");
}

export function quote(word: string, shell: Shell): string {
  if (/^[A-Za-z0-9_./:=+-]+$/.test(word)) return word;
  return shell === "bash" ? `'${word.replaceAll("'", "'\\''")}'` : `'${word.replaceAll("'", "''")}'`;
}
