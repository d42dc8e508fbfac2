import { useEffect } from "react";

/** Names the page for the window and for screen readers. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    document.title = title ? `${title} · Bowline` : "Bowline";
  }, [title]);
}
