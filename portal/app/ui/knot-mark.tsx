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
      <path d="M12 1.6v6.2" />
      <path d="M7.6 7.6c0-2.1 2-3.4 4.4-3.4s4.4 1.3 4.4 3.4c0 2.6-4.4 3.6-7.6 5.6-2.4 1.5-3.8 2.9-3.8 4.9 0 2.6 3.1 4.3 7 4.3s7-1.7 7-4.3c0-2-1.4-3.4-3.8-4.9" />
      <path d="M7.6 7.6c0 1.3 1.1 2.2 2.6 3" />
    </svg>
  );
}
