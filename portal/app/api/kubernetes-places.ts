/** What lists say of where things are reached and kept: services, ingresses, policies; claims, volumes, classes. */
import { at, list, number, text } from "../util/json";
import type { ObjectState } from "./kubernetes-facts";

export interface PlaceFacts {
  state: ObjectState;
  detail?: string;
}

const NEUTRAL = (label: string): ObjectState => ({ label, tone: "neutral" });

export function networkFacts(kind: string, object: unknown): PlaceFacts | undefined {
  if (kind === "Service") return serviceFacts(object);
  if (kind === "Ingress") {
    const hosts = list(object, "spec", "rules").flatMap((rule) => text(rule, "host") ?? "any host");
    return { state: NEUTRAL(text(object, "spec", "ingressClassName") ?? "Default class"), detail: unique(hosts) };
  }
  if (kind !== "NetworkPolicy") return undefined;
  const types = list(object, "spec", "policyTypes").map(String).join(" and ") || "Ingress";
  const chosen = Object.entries((at(object, "spec", "podSelector", "matchLabels") ?? {}) as object);
  const whom = chosen.map(([key, value]) => `${key}=${value}`).join(", ") || "every pod";
  return { state: NEUTRAL(types), detail: whom };
}

function serviceFacts(object: unknown): PlaceFacts {
  const type = text(object, "spec", "type") ?? "ClusterIP";
  const ports = list(object, "spec", "ports").map((p) => `${number(p, "port") ?? "?"}/${text(p, "protocol") ?? "TCP"}`);
  const outside = list(object, "status", "loadBalancer", "ingress").flatMap(
    (one) => text(one, "ip") ?? text(one, "hostname") ?? [],
  );
  const waits = type === "LoadBalancer" && outside.length === 0;
  const address = [...outside, text(object, "spec", "clusterIP"), text(object, "spec", "externalName")];
  return {
    state: waits ? { label: "No address yet", tone: "waiting" } : NEUTRAL(type),
    detail: [address.filter(Boolean).join(", "), ports.join(", ")].filter(Boolean).join(" · "),
  };
}

const PHASES: Record<string, ObjectState["tone"]> = {
  Bound: "good",
  Available: "neutral",
  Pending: "waiting",
  Released: "ended",
  Failed: "bad",
  Lost: "bad",
};

export function storageFacts(kind: string, object: unknown): PlaceFacts | undefined {
  if (kind === "StorageClass") {
    const isDefault = text(object, "metadata", "annotations", "storageclass.kubernetes.io/is-default-class") === "true";
    return { state: NEUTRAL(isDefault ? "Default class" : "Class"), detail: text(object, "provisioner") };
  }
  if (kind !== "PersistentVolumeClaim" && kind !== "PersistentVolume") return undefined;
  const phase = text(object, "status", "phase") ?? "Unknown";
  const claim = kind === "PersistentVolumeClaim";
  const size = claim
    ? (text(object, "status", "capacity", "storage") ?? text(object, "spec", "resources", "requests", "storage"))
    : text(object, "spec", "capacity", "storage");
  const other = claim
    ? text(object, "spec", "volumeName")
    : [text(object, "spec", "claimRef", "namespace"), text(object, "spec", "claimRef", "name")]
        .filter(Boolean)
        .join("/");
  return {
    state: { label: phase, tone: PHASES[phase] ?? "ended" },
    detail: [size, text(object, "spec", "storageClassName"), other].filter(Boolean).join(" · "),
  };
}

function unique(words: string[]): string {
  return [...new Set(words)].join(", ");
}
