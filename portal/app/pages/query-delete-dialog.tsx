import { useMutation, useQueryClient } from "@tanstack/react-query";
import { deleteQuery, type SavedQuery } from "../api/saved-queries";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Notice } from "../ui/notice";
import styles from "./query-page.module.css";

/** Others may use a saved query too, so that it is asked twice. */
export function DeleteQueryDialog({ saved, onClose }: { saved: SavedQuery; onClose: () => void }) {
  const queries = useQueryClient();
  const leave = useMutation({
    mutationFn: () => deleteQuery(saved),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["savedQueries"] });
      onClose();
    },
  });
  return (
    <Dialog title={`Delete ${saved.name}?`} onClose={onClose}>
      <p>{`It is gone for everybody who may see the group ${saved.resourceGroupName}.`}</p>
      {leave.isError && <Notice tone="bad">{leave.error.message}</Notice>}
      <div className={styles.buttons}>
        <Button onClick={onClose}>Keep it</Button>
        <Button onClick={() => leave.mutate()} disabled={leave.isPending}>
          Delete
        </Button>
      </div>
    </Dialog>
  );
}
