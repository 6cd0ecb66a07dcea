const long = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" });

/** dayTitle is the day of a time as people say it, in the time zone of the browser; now is in milliseconds. */
export function dayTitle(at: string, now: number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at.slice(0, 40);
  const midnight = new Date(now);
  midnight.setHours(0, 0, 0, 0);
  if (date >= midnight && date.getTime() <= now) return "Today";
  const before = new Date(midnight);
  before.setDate(before.getDate() - 1);
  if (date >= before && date < midnight) return "Yesterday";
  return long.format(date);
}

/** utcDay is the day that searches of the API take, so many days before now. */
export function utcDay(now: number, back = 0): string {
  return new Date(now - back * 86_400_000).toISOString().slice(0, 10);
}

/** byDay puts rows, which are in the order of their times, under the titles of their days. */
export function byDay<T>(rows: readonly T[], at: (row: T) => string, now: number): { title: string; rows: T[] }[] {
  const days: { title: string; rows: T[] }[] = [];
  for (const row of rows) {
    const title = dayTitle(at(row), now);
    const last = days.at(-1);
    if (last?.title === title) last.rows.push(row);
    else days.push({ title, rows: [row] });
  }
  return days;
}
