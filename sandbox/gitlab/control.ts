import { setTimeout as sleep } from "node:timers/promises";
import type { EmulatorSettings, Fault, JobRequest, Place } from "./control-schemas.ts";
import type { JobView, StateView } from "./control-views.ts";
import type { RequestRecord } from "./request-log.ts";
import type { NewAccessToken } from "./seed.ts";

const over: ReadonlySet<string> = new Set(["success", "failed", "canceled"]);

/** Steers a running emulator. Every method rejects with the emulator's message if it refuses. */
export class EmulatorControl {
  readonly #url: string;
  readonly #token: string;

  /** @param url where the emulator listens @param controlToken as in its seed */
  constructor(url: string, controlToken: string) {
    this.#url = url.replace(/\/+$/, "");
    this.#token = controlToken;
  }

  async #call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.#url}/-/emulator/${path}`, {
      method,
      headers: { "X-Emulator-Token": this.#token, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) {
      throw new Error(`${method} ${path}: ${response.status} ${text}`);
    }
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** Queues a CI job. */
  addJob(job: JobRequest): Promise<JobView> {
    return this.#call("POST", "jobs", job);
  }

  /** A job with its status and the trace so far. */
  job(id: number): Promise<JobView> {
    return this.#call("GET", `jobs/${id}`);
  }

  /** Waits for a job to end, however it ends; rejects after `timeoutMs`, two minutes unless told. */
  async waitForJob(id: number, timeoutMs = 120_000): Promise<JobView> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const job = await this.job(id);
      if (over.has(job.status)) {
        return job;
      }
      if (Date.now() >= deadline) {
        throw new Error(`job ${id} is still ${job.status} after ${timeoutMs} ms`);
      }
      await sleep(Math.min(250, Math.max(10, deadline - Date.now())));
    }
  }

  /** Cancels a job as a user would. */
  cancelJob(id: number): Promise<JobView> {
    return this.#call("POST", `jobs/${id}/cancel`);
  }

  /** The API calls since the start or the last clearing, the oldest first, with secrets masked. */
  requests(): Promise<RequestRecord[]> {
    return this.#call("GET", "requests");
  }

  /** Forgets the calls recorded so far. */
  clearRequests(): Promise<void> {
    return this.#call("DELETE", "requests");
  }

  /** Disturbs calls to come. */
  addFault(fault: Fault): Promise<{ readonly id: number }> {
    return this.#call("POST", "faults", fault);
  }

  /** The disturbances that aren't over, with how many calls each has yet to meet. */
  faults(): Promise<(Fault & { readonly id: number; readonly remaining: number })[]> {
    return this.#call("GET", "faults");
  }

  /** Ends all disturbances. */
  clearFaults(): Promise<void> {
    return this.#call("DELETE", "faults");
  }

  /** Adds an access token of a user. */
  addAccessToken(token: NewAccessToken): Promise<{ readonly id: number }> {
    return this.#call("POST", "access-tokens", token);
  }

  /** Adds a project. */
  addProject(project: Place): Promise<Place> {
    return this.#call("POST", "projects", project);
  }

  /** Adds a group. */
  addGroup(group: Place): Promise<Place> {
    return this.#call("POST", "groups", group);
  }

  /** Makes it look as if a runner, and each of its processes, was last heard of so long ago. */
  setLastContact(runnerId: number, secondsAgo: number): Promise<void> {
    return this.#call("PUT", `runners/${runnerId}/contact`, { secondsAgo });
  }

  /** Changes settings; they hold for runners made and tokens reset from then on. */
  changeSettings(settings: EmulatorSettings): Promise<EmulatorSettings> {
    return this.#call("PUT", "settings", settings);
  }

  /** Everything that the emulator holds; never a token. */
  state(): Promise<StateView> {
    return this.#call("GET", "state");
  }
}
