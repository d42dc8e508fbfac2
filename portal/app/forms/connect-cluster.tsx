/** Connecting a cluster: what it is to be called and where it belongs, what to run, and whether it has worked. */
import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { groupsQuery } from "../api/saved-queries";
import type { Subscription } from "../api/subscriptions";
import { AppLink } from "../components/app-link";
import { Card } from "../ui/card";
import { Choice, Choices } from "../ui/choice";
import { PageHeader } from "../ui/page-header";
import { parseTags, type Wanted, wrongGroup, wrongName } from "../util/connect-scripts";
import { paths } from "../util/path-builder";
import styles from "./connect-cluster.module.css";
import { VerifyCluster } from "./connect-cluster-verify";
import { CommandWay, HelmWay } from "./connect-cluster-ways";

export interface ConnectSearch {
  name?: string;
  group?: string;
  location?: string;
  tags?: string;
  /** A word of `WAYS`. */
  how?: string;
}

interface ConnectClusterProps {
  subscriptionId: string;
  subscriptions: Subscription[];
  search: ConnectSearch;
  onSearch: (search: ConnectSearch) => void;
  onSubscription: (subscriptionId: string) => void;
}

const WAYS = {
  bash: "Command line, Bash",
  powershell: "Command line, PowerShell",
  helm: "Helm",
  manifest: "One manifest",
} as const;
type Way = keyof typeof WAYS;

const isWay = (how: string | undefined): how is Way => how !== undefined && how in WAYS;

export function ConnectCluster(props: ConnectClusterProps) {
  const { subscriptionId, search, onSearch } = props;
  const groups = useQuery(groupsQuery(subscriptionId));
  const wanted = wantedOf(subscriptionId, search, groups.data);
  const how = isWay(search.how) ? search.how : "bash";
  const path = wanted && { subscriptionId, resourceGroupName: wanted.group, name: wanted.name };
  return (
    <>
      <PageHeader
        title="Connect a cluster"
        above={<AppLink to={paths.resources({ subscriptionId })}>All resources</AppLink>}
        below={<span>An agent in the cluster connects outwards to this server. Nothing in the cluster is opened.</span>}
      />
      <div className={styles.steps}>
        <Card title="1. What it is">
          <Where {...props} groups={groups.data ?? []} />
        </Card>
        <Card title="2. What to run">
          <div className={styles.body}>
            <Choices legend="How">
              {Object.entries(WAYS).map(([way, label]) => (
                <Choice
                  key={way}
                  label={label}
                  pressed={way === how}
                  onClick={() => onSearch({ ...search, how: way === "bash" ? undefined : way })}
                />
              ))}
            </Choices>
            {!wanted && (
              <p className={styles.quiet}>Say first how the cluster is called and to which group it belongs.</p>
            )}
            {wanted && (how === "bash" || how === "powershell") && <CommandWay wanted={wanted} shell={how} />}
            {wanted && path && (how === "helm" || how === "manifest") && (
              // Another name is another registration.
              <HelmWay
                key={`${path.resourceGroupName}/${path.name}`}
                wanted={wanted}
                path={path}
                manifest={how === "manifest"}
              />
            )}
          </div>
        </Card>
        <Card title="3. Whether it has worked">
          <div className={styles.body}>
            {path ? (
              <VerifyCluster key={`${path.resourceGroupName}/${path.name}`} path={path} />
            ) : (
              <p className={styles.quiet}>The cluster shows here as soon as it is known.</p>
            )}
          </div>
        </Card>
      </div>
    </>
  );
}

/** What can be connected, once everything that is needed is said and well formed. */
function wantedOf(subscriptionId: string, search: ConnectSearch, groups: string[] | undefined): Wanted | undefined {
  const { name = "", group = "" } = search;
  const tags = parseTags(search.tags ?? "");
  if (!name || !group || !tags || wrongName(name) || wrongGroup(group)) return undefined;
  const known = groups?.some((one) => one.toLowerCase() === group.toLowerCase());
  return {
    server: location.origin,
    subscriptionId,
    group,
    newGroup: groups !== undefined && !known,
    name,
    location: search.location?.trim() || undefined,
    tags,
  };
}

function Where({
  subscriptionId,
  subscriptions,
  search,
  onSearch,
  onSubscription,
  groups,
}: ConnectClusterProps & { groups: string[] }) {
  const list = useId();
  const set = (key: keyof ConnectSearch) => (value: string) => onSearch({ ...search, [key]: value || undefined });
  const { name = "", group = "", tags = "" } = search;
  return (
    <form className={styles.fields} onSubmit={(event) => event.preventDefault()}>
      {subscriptions.length > 1 && (
        <label>
          Subscription
          <select value={subscriptionId} onChange={(event) => onSubscription(event.target.value)}>
            {subscriptions.map((one) => (
              <option key={one.subscriptionId} value={one.subscriptionId}>
                {one.displayName}
              </option>
            ))}
          </select>
        </label>
      )}
      <Field
        label="Name"
        value={name}
        onChange={set("name")}
        wrong={name ? wrongName(name) : undefined}
        placeholder="edge-01"
      />
      <Field
        label="Resource group"
        value={group}
        onChange={set("group")}
        wrong={group ? wrongGroup(group) : undefined}
        hint={
          group && !groups.some((one) => one.toLowerCase() === group.toLowerCase())
            ? "There is none of this name yet: it is made."
            : "Who has a role in it has it for the cluster."
        }
        list={list}
        placeholder="plant"
      />
      <datalist id={list}>
        {groups.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <Field
        label="Location"
        value={search.location ?? ""}
        onChange={set("location")}
        hint="Where it is, in your own words. Left out, it is the group's."
        placeholder="oslo"
      />
      <Field
        label="Tags"
        value={tags}
        onChange={set("tags")}
        wrong={parseTags(tags) ? undefined : "Words like key=value."}
        hint="key=value, with blanks between them."
        placeholder="env=prod site=osl"
      />
    </form>
  );
}

interface FieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  wrong?: string;
  hint?: string;
  list?: string;
  placeholder?: string;
}

/** Keeps what is typed by itself: the address follows, and would otherwise jump under the fingers. */
function Field({ label, value, onChange, wrong, hint, list, placeholder }: FieldProps) {
  const input = useId();
  const said = useId();
  const [typed, setTyped] = useState(value);
  return (
    <div className={styles.field}>
      <label htmlFor={input}>{label}</label>
      <input
        id={input}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          onChange(event.target.value);
        }}
        list={list}
        placeholder={placeholder}
        autoComplete="off"
        spellCheck={false}
        aria-invalid={wrong !== undefined}
        aria-describedby={wrong || hint ? said : undefined}
      />
      {(wrong || hint) && (
        <span id={said} className={wrong ? styles.wrong : styles.quiet}>
          {wrong ?? hint}
        </span>
      )}
    </div>
  );
}
