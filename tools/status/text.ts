import { stripVTControlCharacters } from "node:util";
import Table from "cli-table3";

/** @returns rows of text with aligned columns; the last one is not padded */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) {
    return [];
  }
  const borders = ["top", "bottom", "left", "right", "mid", "middle"].flatMap((name) =>
    ["", "-mid", "-left", "-right"].map((part) => [`${name}${part}`, ""] as const),
  );
  const table = new Table({
    chars: Object.fromEntries(borders),
    style: { head: [], border: [], "padding-left": 0, "padding-right": 2 },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd());
}

/** @returns untrusted text in one line, without anything that a terminal would interpret as a command */
export function plain(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, " ")
    .trim();
}

const units = [
  ["d", 24 * 60 * 60],
  ["h", 60 * 60],
  ["m", 60],
] as const;

/** @returns how long ago a moment in ISO 8601 is, as `kubectl` writes it: `5s`, `12m`, `3h`, `8d`; a question mark if it is unknown */
export function age(moment: string | null, now: Date): string {
  if (moment === null) {
    return "?";
  }
  // The servers' clocks may be ahead of this one.
  const seconds = Math.max(0, Math.floor((now.getTime() - Date.parse(moment)) / 1000));
  // Up to two of a unit, the smaller one tells more.
  const [unit, length] = units.find(([, size]) => seconds >= 2 * size) ?? ["s", 1];
  return `${Math.floor(seconds / length)}${unit}`;
}

/** @returns a size as `1.5 MiB` */
export function size(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10));
  const number = bytes / 1024 ** power;
  return `${power === 0 || number >= 100 ? Math.round(number) : number.toFixed(1)} ${["B", "KiB", "MiB", "GiB", "TiB"][power] ?? ""}`;
}

/** @returns a number and its noun: `1 object`, `2,000 objects` */
export function counted(number: number, noun: string): string {
  return `${number.toLocaleString("en-US")} ${noun}${number === 1 ? "" : "s"}`;
}
