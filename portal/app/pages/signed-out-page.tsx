import { KnotMark } from "../ui/knot-mark";
import { Message } from "../ui/notice";
import { BASE, paths, signInAddress } from "../util/path-builder";

export function SignedOutPage() {
  return (
    <main>
      <Message title="You are signed out" actions={<a href={signInAddress(BASE + paths.home())}>Sign in again</a>}>
        <KnotMark size={32} />
        <p>The session has ended on the server as well. Closing the window is enough.</p>
      </Message>
    </main>
  );
}
