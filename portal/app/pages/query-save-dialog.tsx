/** Keeps the query as a resource in a group: who may read there can open it. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { groupsQuery, saveQuery } from "../api/saved-queries";
import type { Subscription } from "../api/subscriptions";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Notice } from "../ui/notice";
import styles from "./query-page.module.css";

interface SaveQueryDialogProps {
  query: string;
  subscriptions: Subscription[];
  onClose: () => void;
}

export function SaveQueryDialog({ query, subscriptions, onClose }: SaveQueryDialogProps) {
  const [subscriptionId, setSubscription] = useState(subscriptions[0]?.subscriptionId ?? "");
  const groups = useQuery(groupsQuery(subscriptionId));
  const queries = useQueryClient();
  const save = useMutation({
    mutationFn: saveQuery,
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["savedQueries"] });
      onClose();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const field = (name: string) => String(form.get(name) ?? "").trim();
    save.mutate({
      subscriptionId,
      resourceGroupName: field("group"),
      name: field("name"),
      description: field("description"),
      query,
    });
  };
  return (
    <Dialog title="Save the query" onClose={onClose}>
      <form className={styles.form} onSubmit={submit}>
        <label>
          Name
          <input name="name" required maxLength={260} pattern="[A-Za-z0-9 _.\(\)\-]+" autoComplete="off" />
          <span className={styles.quiet}>
            Letters, digits, blanks, - _ . ( ). The name of one that exists replaces it.
          </span>
        </label>
        {subscriptions.length > 1 && (
          <label>
            Subscription
            <select value={subscriptionId} onChange={(event) => setSubscription(event.target.value)}>
              {subscriptions.map((one) => (
                <option key={one.subscriptionId} value={one.subscriptionId}>
                  {one.displayName}
                </option>
              ))}
            </select>
          </label>
        )}
        <label>
          Resource group
          <select name="group" required disabled={!groups.data}>
            {(groups.data ?? []).map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
          <span className={styles.quiet}>
            {groups.data?.length === 0
              ? "There is no group here yet; bowline group create NAME makes one."
              : "Who may read in it can open the query."}
          </span>
        </label>
        <label>
          Description
          <input name="description" maxLength={1000} autoComplete="off" />
        </label>
        {save.isError && <Notice tone="bad">{save.error.message}</Notice>}
        <div className={styles.buttons}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" className={styles.run} disabled={save.isPending || !groups.data?.length}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
