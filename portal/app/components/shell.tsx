/** What surrounds every page: the name, the way around, who is signed in, and the subscription. */
import type { ReactNode } from "react";
import type { Session } from "../api/session";
import type { Subscription } from "../api/subscriptions";
import { Icon } from "../ui/icon";
import { KnotMark } from "../ui/knot-mark";
import { paths } from "../util/path-builder";
import { AppLink } from "./app-link";
import styles from "./shell.module.css";
import { SignOutButton } from "./sign-out-button";

interface ShellProps {
  session: Session;
  subscriptions: Subscription[];
  subscriptionId: string | undefined;
  onSubscription: (subscriptionId: string) => void;
  children: ReactNode;
}

export function Shell({ session, subscriptions, subscriptionId, onSubscription, children }: ShellProps) {
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#content">
        Skip to the content
      </a>
      <header className={styles.sidebar}>
        <AppLink to={paths.home()} className={styles.brand}>
          <KnotMark /> Bowline
        </AppLink>
        {subscriptions.length > 1 && (
          <label className={styles.subscription}>
            <span>Subscription</span>
            <select value={subscriptionId ?? ""} onChange={(event) => onSubscription(event.target.value)}>
              {subscriptions.map((s) => (
                <option key={s.subscriptionId} value={s.subscriptionId}>
                  {s.displayName}
                </option>
              ))}
            </select>
          </label>
        )}
        <nav className={styles.nav} aria-label="Main">
          {subscriptionId && (
            <AppLink to={paths.resources({ subscriptionId })} within>
              <Icon name="list" /> All resources
            </AppLink>
          )}
          <AppLink to={paths.query()} within>
            <Icon name="query" /> Query
          </AppLink>
        </nav>
        <div className={styles.account}>
          <span className={styles.name} title={session.username}>
            {session.name || session.username}
          </span>
          <SignOutButton className={styles.leave} />
        </div>
      </header>
      <main id="content" className={styles.main} tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}
