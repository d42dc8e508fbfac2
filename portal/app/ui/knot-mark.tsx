/** Bowline's mark: the knot, in the colour of the text around it. `public/knot.svg` is the same drawing. */
export function KnotMark({ size = 22 }: { size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={2.4}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d="M16.4 1.5C16.4 6 4.6 8.4 4.6 15.2a7.4 7.2 0 0 0 14.8 0c0-3.2-2.6-5.5-5-7.1" />
      <path d="M9.7 5C8.4 4 7.6 2.9 7.6 1.5" />
    </svg>
  );
}
