/** Copies the query as an address. */
import { useEffect, useState } from "react";
import { Button } from "../ui/button";
import { Icon } from "../ui/icon";
import { queryAddress } from "../util/path-builder";

const SHOWN_MILLISECONDS = 2_000;

export function ShareButton({ query, scope }: { query: string; scope: string | undefined }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SHOWN_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    await navigator.clipboard.writeText(new URL(queryAddress(query, scope), location.href).href);
    setCopied(true);
  };
  return (
    <Button onClick={copy}>
      <Icon name="link" /> {copied ? "Copied" : "Copy link"}
    </Button>
  );
}
