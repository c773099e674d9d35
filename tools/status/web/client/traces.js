/** @import {JobRow, TraceView} from "../../snapshot.ts" */
/** @typedef {{ status?: string, at: number, view?: TraceView, error?: string }} Trace */

/** How long after it was fetched a trace is fetched again that may grow, or could not be had, in milliseconds. */
const again = 2_000;

/** @param {string} status */
function goesOn(status) {
  return status === "running" || status === "canceling";
}

/** The traces of the jobs that are open on the page; each is fetched again while there may be more of it. */
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
    return this.#traces.get(id) ?? { at: 0 };
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
      this.#traces.set(id, { at: 0 });
      this.follow(this.#jobs);
    } else {
      this.#traces.delete(id);
    }
    this.#changed();
  }

  /**
   * Fetches what may be new in the open traces; to be called now and then.
   * @param {readonly JobRow[]} jobs
   */
  follow(jobs) {
    this.#jobs = jobs;
    for (const { id, status } of jobs) {
      const known = this.get(id);
      const isOld =
        known.status !== status || ((goesOn(status) || known.error !== undefined) && Date.now() - known.at > again);
      if (this.isOpen(id) && isOld && !this.#fetching.has(id)) {
        void this.#fetch(id, status);
      }
    }
  }

  /**
   * @param {number} id
   * @param {string} status - of the job, as the snapshot told
   */
  async #fetch(id, status) {
    this.#fetching.add(id);
    /** @type {Trace} */
    let trace;
    try {
      const response = await fetch(`jobs/${String(id)}/trace`);
      const body = /** @type {unknown} */ (await response.json());
      if (!response.ok) {
        throw new Error(/** @type {{ error: string }} */ (body).error);
      }
      trace = { status, at: Date.now(), view: /** @type {TraceView} */ (body) };
    } catch (error) {
      const { view } = this.get(id);
      trace = {
        status,
        at: Date.now(),
        ...(view && { view }),
        error: error instanceof Error ? error.message : String(error),
      };
    }
    this.#fetching.delete(id);
    if (!this.isOpen(id)) {
      return;
    }
    this.#traces.set(id, trace);
    this.#changed();
  }
}
