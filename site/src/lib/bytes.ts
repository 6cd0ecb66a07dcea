const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** bytes writes a size: "0 B", "1.5 MiB". What nobody has measured is "–". */
export function bytes(n: number | undefined): string {
  if (n === undefined || !Number.isFinite(n) || n < 0) return "–";
  let size = n;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}
