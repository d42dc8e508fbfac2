import { stateOf } from "../api/resource-facts";
import type { Resource } from "../api/resources";
import { StateMark } from "../ui/state-mark";

export function ResourceStateMark({ resource }: { resource: Resource }) {
  const state = stateOf(resource);
  if (!state) return <StateMark label="–" tone="neutral" title="This type reports no state" />;
  return <StateMark label={state.label} tone={state.tone} title={state.raw === state.label ? undefined : state.raw} />;
}
