/** Logo is the mark of the product; its name stands in a label beside it. */
export function Logo({ size = 26 }: { size?: number }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden className="block">
      <rect width="32" height="32" rx="7" fill="#2f6f5e" />
      <path
        d="M8 10l6 6-6 6M16 22h8"
        fill="none"
        stroke="#fff"
        strokeWidth="2.6"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
