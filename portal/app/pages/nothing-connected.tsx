/** The empty list says what to run next. */
import { AppLink } from "../components/app-link";
import { Command } from "../ui/command";
import { Message } from "../ui/notice";
import { paths } from "../util/path-builder";
import styles from "./resources-page.module.css";

export function NothingConnected({ subscriptionId }: { subscriptionId: string }) {
  return (
    <Message
      title="Nothing is connected yet"
      actions={<AppLink to={paths.connectCluster({ subscriptionId })}>Connect a cluster step by step</AppLink>}
    >
      <p>Run these on a server, or where you can reach a cluster with kubectl. What connects appears here at once.</p>
      <div className={styles.steps}>
        <p>Sign in, and make a group to put things in:</p>
        <Command text={`bowline login --server ${location.origin}`} />
        <Command text="bowline group create --name demo" />
        <p>Connect this server:</p>
        <Command text="bowline machine connect --group demo" />
        <p>Connect the cluster that kubectl points at:</p>
        <Command text="bowline cluster connect --group demo --name my-cluster" />
      </div>
    </Message>
  );
}
