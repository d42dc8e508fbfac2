/** The portal's few icons, drawn on a grid of 16 in the colour of the text. They never stand alone: words say it too. */
const PATHS = {
  cluster: "M8 1.5l5.6 3.2v6.6L8 14.5l-5.6-3.2V4.7zM8 8l5.6-3.3M8 8v6.5M8 8L2.4 4.7",
  server: "M2.5 2.5h11v4.5h-11zM2.5 9h11v4.5h-11zM5 4.75h.01M5 11.25h.01",
  resource: "M3 3h10v10H3zM3 6.5h10",
  list: "M2.5 4h11M2.5 8h11M2.5 12h11",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.7 10.7L14 14",
  up: "M8 12.5v-9M4.5 7L8 3.5 11.5 7",
  down: "M8 3.5v9M4.5 9L8 12.5 11.5 9",
  leave: "M6.5 2.5h-4v11h4M10.5 11l3-3-3-3M13.5 8h-8",
  copy: "M5.5 5.5h8v8h-8zM10.5 2.5h-8v8",
  query: "M2.5 3.5h11v9h-11zM5 6.5L7 8 5 9.5M8.5 10h2.5",
  play: "M5 3.5l7 4.5-7 4.5z",
  stop: "M4 4h8v8H4z",
  link: "M6.5 9.5l3-3M7 4.5l1.5-1.5a2.8 2.8 0 0 1 4 4L11 8.5M9 11.5L7.5 13a2.8 2.8 0 0 1-4-4L5 7.5",
  save: "M3 3h8l2 2v8H3zM5.5 3v3.5h4V3M5.5 13V9.5h5V13",
  download: "M8 2.5v7M5 7l3 3 3-3M3 13h10",
  chevron: "M6 3.5L10.5 8 6 12.5",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
