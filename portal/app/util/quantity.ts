/** Amounts for people: bytes, Kubernetes quantities, counts. */

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const SUFFIX: Record<string, number> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

export function formatBytes(bytes: number): string {
  const step = Math.min(BINARY.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  const value = bytes / 1024 ** step;
  return `${value >= 100 || step === 0 ? Math.round(value) : value.toFixed(1)} ${BINARY[step]}`;
}

/** A Kubernetes memory quantity (`16393632Ki`) in bytes. */
export function parseBytes(quantity: string): number | undefined {
  const [, digits, suffix = ""] = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(quantity) ?? [];
  const factor = SUFFIX[suffix];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

/** `1 resource`, `2 resources`, `1,204 resources`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
}
