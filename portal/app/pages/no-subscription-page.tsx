import { Message } from "../ui/notice";

/** Signed in, but nothing to see: no subscription is readable. */
export function NoSubscriptionPage({ username }: { username: string }) {
  return (
    <Message title="There is nothing you may see">
      <p>{username} has no role on any subscription. Whoever owns one can assign Reader, or more, to this user.</p>
    </Message>
  );
}
