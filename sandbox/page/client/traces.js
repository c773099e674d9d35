/** @import {JobRow, TraceView} from "../snapshot.ts" */
/** @typedef {{ bytes: number, view?: TraceView, error?: string }} Trace */

/** The traces of the jobs that are open on the page; each is fetched again when there is more of it. */
export class Traces {
  /** @type {Map<number, Trace>} */
  #traces = new Map();
  /** @type {readonly JobRow[]} */
  #jobs = [];
  /** @type {Set<number>} */
  #fetching = new Set();
  #changed;

  /** @param {() => void} changed - called when there is something new to show */
  constructor(changed) {
    this.#changed = changed;
  }

  /** @param {number} id */
  isOpen(id) {
    return this.#traces.has(id);
  }

  /**
   * @param {number} id
   * @returns {Trace}
   */
  get(id) {
    return this.#traces.get(id) ?? { bytes: -1 };
  }

  /**
   * @param {number} id
   * @param {boolean} isOpen
   */
  toggle(id, isOpen) {
    if (isOpen === this.isOpen(id)) {
      return;
    }
    if (isOpen) {
      this.#traces.set(id, { bytes: -1 });
      this.follow(this.#jobs);
    } else {
      this.#traces.delete(id);
    }
    this.#changed();
  }

  /**
   * Fetches what is new in the open traces.
   * @param {readonly JobRow[]} jobs
   */
  follow(jobs) {
    this.#jobs = jobs;
    for (const { id, traceBytes } of jobs) {
      if (this.isOpen(id) && this.get(id).bytes !== traceBytes && !this.#fetching.has(id)) {
        void this.#fetch(id, traceBytes);
      }
    }
  }

  /**
   * @param {number} id
   * @param {number} bytes - how long it is, as the snapshot told
   */
  async #fetch(id, bytes) {
    this.#fetching.add(id);
    /** @type {Trace} */
    let trace;
    try {
      const response = await fetch(`jobs/${String(id)}/trace`);
      const body = /** @type {unknown} */ (await response.json());
      if (!response.ok) {
        throw new Error(/** @type {{ error: string }} */ (body).error);
      }
      trace = { bytes, view: /** @type {TraceView} */ (body) };
    } catch (error) {
      const { view } = this.get(id);
      trace = { bytes, ...(view && { view }), error: error instanceof Error ? error.message : String(error) };
    }
    this.#fetching.delete(id);
    if (!this.isOpen(id)) {
      return;
    }
    this.#traces.set(id, trace);
    this.#changed();
    // It may have grown meanwhile.
    this.follow(this.#jobs);
  }
}
