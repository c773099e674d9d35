import type fc from "fast-check";

/** How a program ended what it was given: by doing it, or by saying in words why not. */
export type Ending = "accepted" | "refused";

/** A part of the project, and what it is tried with. */
export interface Fuzzed<Case> {
  readonly cases: fc.Arbitrary<Case>;
  /** Resolves with how a case ended; rejects where that is no ending for people. */
  readonly attempt: (one: Case) => Promise<Ending>;
  /** Rejects where it no longer does what it should. @defaultValue nothing can have happened to it */
  readonly examine?: () => Promise<void>;
  /** Ends what it has started. */
  readonly stop?: () => Promise<void>;
}
