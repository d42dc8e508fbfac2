import { useMutation, useQueryClient } from "@tanstack/react-query";
import { signOut } from "../api/session";
import { Button } from "../ui/button";
import { Icon } from "../ui/icon";
import { BASE, paths } from "../util/path-builder";

/** Ends the session and leaves by a page load, so that nothing read with it stays in memory. */
export function SignOutButton({ className }: { className?: string }) {
  const queries = useQueryClient();
  const leave = useMutation({
    mutationFn: signOut,
    onSuccess: () => {
      queries.clear();
      location.assign(BASE + paths.signedOut());
    },
  });
  return (
    <>
      <Button look="plain" className={className} disabled={leave.isPending} onClick={() => leave.mutate()}>
        <Icon name="leave" /> Sign out
      </Button>
      {leave.isError && <p role="alert">Signing out failed: {leave.error.message}</p>}
    </>
  );
}
