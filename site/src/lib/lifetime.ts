const hour = 3600e9;
const day = 24 * hour;

/** span writes nanoseconds in days, or hours where they are few. */
export function span(ns: number): string {
  const days = ns / day;
  if (days >= 1) return days === 1 ? "1 day" : `${Number(days.toFixed(1)).toLocaleString("en")} days`;
  const hours = Number((ns / hour).toFixed(1));
  return hours === 1 ? "1 hour" : `${hours} hours`;
}

/** lifetimes are those worth offering, in days; the last is the longest that is allowed. Most is in nanoseconds; 0 is no limit. */
export function lifetimes(most: number | undefined): { days: number; text: string }[] {
  const usual = [1, 7, 30, 90, 180, 365]
    .filter((d) => !most || d * day < most)
    .map((d) => ({ days: d, text: span(d * day) }));
  return most ? [...usual, { days: most / day, text: span(most) }] : usual;
}

/** nanoseconds is a number of days as the API takes it: the longest exactly, where it is meant. */
export function nanoseconds(days: number, most: number | undefined): number {
  return most && days === most / day ? most : Math.round(days * day);
}
