/**
 * Which rows of a long table are drawn: those in the window and some around it. Rows have one height, so that the
 * whole thing is arithmetic on the scroll position. Short tables are drawn whole, and the browser's own search finds
 * everything in them.
 */
import { type RefObject, useLayoutEffect, useState } from "react";

const DRAWN_WHOLE = 300;
const OVERSCAN = 20;

export interface RowWindow {
  first: number;
  end: number;
}

export function rowWindow(count: number, rowHeight: number, top: number, viewport: number): RowWindow {
  if (count <= DRAWN_WHOLE) return { first: 0, end: count };
  // Steps of half the overscan: scrolling a pixel does not draw the table again.
  const step = OVERSCAN / 2;
  const visible = Math.floor(Math.max(0, -top) / rowHeight / step) * step;
  const first = Math.max(0, Math.min(visible - OVERSCAN, count));
  return { first, end: Math.min(count, visible + Math.ceil(viewport / rowHeight) + OVERSCAN + step) };
}

export function useRowWindow(body: RefObject<HTMLElement | null>, count: number, rowHeight: number): RowWindow {
  const [range, setRange] = useState<RowWindow>(() => rowWindow(count, rowHeight, 0, 900));
  useLayoutEffect(() => {
    const measure = () => {
      const top = body.current?.getBoundingClientRect().top ?? 0;
      const next = rowWindow(count, rowHeight, top, window.innerHeight);
      setRange((old) => (old.first === next.first && old.end === next.end ? old : next));
    };
    measure();
    window.addEventListener("scroll", measure, { passive: true });
    window.addEventListener("resize", measure);
    return () => {
      window.removeEventListener("scroll", measure);
      window.removeEventListener("resize", measure);
    };
  }, [body, count, rowHeight]);
  return { first: Math.min(range.first, count), end: Math.min(range.end, count) };
}
