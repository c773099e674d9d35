import { chooseFaults, type ServerFault } from "./faults.ts";
import type { Victims } from "./kill.ts";

/** What a stack is asked to do when something happens. */
export type Operation = "first up" | "rotation" | "destroy";

/** Something that happens once, while Pulumi is at work. */
export type Point = {
  readonly operation: Operation;
  /** When, as a share of the operation's duration, or of its calls. */
  readonly share: number;
} & ({ readonly victims: Victims } | ServerFault);

/** How many points of each sort to try. */
export interface Counts {
  readonly up: number;
  readonly rotation: number;
  readonly destroy: number;
  readonly faults: number;
}

const goldenRatio = (Math.sqrt(5) - 1) / 2;

/** @returns `count` numbers from 0 to 1, spread evenly; each seed shifts them by another bit */
export function spread(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, index) => (index + ((seed * goldenRatio) % 1)) / count);
}

/**
 * Chooses the points. One operation begins where another one ends, so they take turns, which saves bringing the stack back.
 * @param seed the same seed gives the same points
 */
export function choosePoints({ up, rotation, destroy, faults }: Counts, seed: number): Point[] {
  const kills = (operation: Operation, count: number) =>
    spread(count, seed).map<Point>((share, index) => ({
      ...{ operation, share },
      victims: index % 2 === 0 ? "all processes" : "engine",
    }));
  const ups = [
    ...kills("first up", up),
    ...chooseFaults(faults).map<Point>((fault, index) => ({
      ...{ operation: "first up", share: ((seed + index) * goldenRatio) % 1 },
      ...fault,
    })),
  ];
  const sorts = [ups, kills("rotation", rotation), kills("destroy", destroy)];
  const most = Math.max(...sorts.map(({ length }) => length));
  return Array.from({ length: most }, (_, turn) => sorts.flatMap((points) => points.slice(turn, turn + 1))).flat();
}

/** @returns what happens at a point, for people: the row of the table that it counts in */
export function describePoint(point: Point): string {
  return "victims" in point
    ? `SIGKILL of ${point.victims === "engine" ? "the engine" : "all processes"}, ${point.operation}`
    : `${point.server}: ${point.fault.kind}, ${point.operation}`;
}
