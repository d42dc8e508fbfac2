import { useState } from "react";
import { Button } from "./button";
import styles from "./command.module.css";
import { Icon } from "./icon";

/** A command to run in a shell, with a button that copies it. */
export function Command({ text }: { text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  return (
    <div className={styles.command}>
      <pre>
        <code>{text}</code>
      </pre>
      <Button look="plain" onClick={copy} aria-label={`Copy: ${text}`}>
        <Icon name="copy" /> <span aria-live="polite">{copied ? "Copied" : "Copy"}</span>
      </Button>
    </div>
  );
}
