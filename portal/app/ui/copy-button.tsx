import { useEffect, useState } from "react";
import { Button } from "./button";
import { Icon } from "./icon";

const SHOWN_MILLISECONDS = 2_000;

/** Puts a text on the clipboard and says so for a moment. */
export function CopyButton({ text, label }: { text: string; label?: string }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => setSaid(""), SHOWN_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setSaid("Copied"),
      () => setSaid("Not allowed"),
    );
  return (
    <Button onClick={copy} aria-label={label}>
      <Icon name="copy" /> <span aria-live="polite">{said || "Copy"}</span>
    </Button>
  );
}
