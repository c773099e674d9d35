import { setTimeout as sleep } from "node:timers/promises";

/** How often something was looked at. */
export interface Looks {
  readonly looks: number;
  /** The longest time between the beginnings of two looks, in milliseconds. */
  readonly longestGap: number;
}

/** Begins a look every few milliseconds, whether or not the one before has ended. */
export class Looking {
  #isOver = false;
  readonly #done: Promise<Looks>;

  constructor(look: () => Promise<void>, everyMs: number) {
    this.#done = this.#repeat(look, everyMs);
  }

  /** Ends it; rejects with what a look has rejected with. */
  end(): Promise<Looks> {
    this.#isOver = true;
    return this.#done;
  }

  async #repeat(look: () => Promise<void>, everyMs: number): Promise<Looks> {
    const looks: Promise<void>[] = [];
    let longestGap = 0;
    let last = performance.now();
    while (!this.#isOver) {
      looks.push(look());
      await sleep(everyMs);
      const now = performance.now();
      longestGap = Math.max(longestGap, now - last);
      last = now;
    }
    await Promise.all(looks);
    return { looks: looks.length, longestGap };
  }
}
