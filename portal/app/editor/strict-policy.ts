/**
 * Lets Monaco live under a policy without inline styles. It writes lines as HTML with `style` attributes, which the
 * policy ignores. Whatever it writes goes through the hook that it has for trusted types: the attributes get another
 * name there, and are set by script, which the policy allows, as soon as the elements stand in the page and before
 * they are drawn.
 */
const TAG = /<[a-z][^>]*>/g;
const HELD = "data-held-style";

/** Attributes of tags only: what the reader typed comes with its `<` escaped. */
export function holdStyles(html: string): string {
  return html.replace(TAG, (tag) => tag.replace(/ style="/g, ` ${HELD}="`));
}

export function createPolicy(_name: string, options?: { createHTML?: (html: string) => string }) {
  return { ...options, createHTML: (html: string) => holdStyles(options?.createHTML?.(html) ?? html) };
}

/** Sets the styles of what is put into the element from now on. */
export function keepStyles(root: HTMLElement): () => void {
  const observer = new MutationObserver((changes) => {
    for (const change of changes) {
      for (const node of change.addedNodes) {
        if (!(node instanceof HTMLElement)) continue;
        setStyle(node);
        for (const inner of node.querySelectorAll<HTMLElement>(`[${HELD}]`)) setStyle(inner);
      }
    }
  });
  observer.observe(root, { childList: true, subtree: true });
  return () => observer.disconnect();
}

function setStyle(element: HTMLElement): void {
  const held = element.getAttribute(HELD);
  if (held === null) return;
  element.style.cssText = held;
  element.removeAttribute(HELD);
}
