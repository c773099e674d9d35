const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const goUnits: Readonly<Record<string, number>> = {
  h: hour,
  m: minute,
  s: second,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  ns: 1e-6,
};

/** @returns milliseconds of a duration in Go's format, such as `1h0m0s`; undefined if it is invalid */
export function parseGoDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(h|ms|m|s|us|µs|ns))+$/.test(text)) {
    return undefined;
  }
  return [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/g)].reduce(
    (sum, [, amount, unit = ""]) => sum + Number(amount) * (goUnits[unit] ?? 0),
    0,
  );
}

/** @returns a length of time in one unit, such as `4 minutes` */
export function lengthOfTime(milliseconds: number): string {
  const [size, name] = (
    [
      [2 * day, day, "day"],
      [2 * hour, hour, "hour"],
      [minute, minute, "minute"],
      [0, second, "second"],
    ] as const
  ).flatMap(([from, unit, word]) => (milliseconds >= from ? [[unit, word] as const] : []))[0] ?? [second, "second"];
  const count = Math.max(0, Math.floor(milliseconds / size));
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}

/** @returns a moment and how long ago it is, such as `2026-11-24T08:30:00Z, 4 minutes ago` */
export function moment(time: Date, now: Date): string {
  const age = now.getTime() - time.getTime();
  const text = time.toISOString().replace(/\.\d+Z$/, "Z");
  return age >= 0 ? `${text}, ${lengthOfTime(age)} ago` : `${text}, in ${lengthOfTime(-age)}`;
}

/** Milliseconds of a day. */
export const dayLength = day;
/** Milliseconds of a minute. */
export const minuteLength = minute;
