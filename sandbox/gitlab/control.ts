import type { EmulatorSettings, Fault, JobRequest, Place } from "./control-schemas.ts";
import type { JobView, StateView } from "./control-views.ts";
import type { NewAccessToken } from "./seed.ts";

/** Controls a running emulator. Every method rejects with the emulator's message if it refuses. */
export class EmulatorControl {
  readonly #url: string;
  readonly #token: string;

  /** @param url the emulator's URL @param controlToken the one in its seed */
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

  /** Cancels a job as a user would. */
  cancelJob(id: number): Promise<JobView> {
    return this.#call("POST", `jobs/${id}/cancel`);
  }

  /** Adds a fault for later calls. */
  addFault(fault: Fault): Promise<{ readonly id: number }> {
    return this.#call("POST", "faults", fault);
  }

  /** Adds an access token of a user. */
  addAccessToken(token: NewAccessToken): Promise<{ readonly id: number }> {
    return this.#call("POST", "access-tokens", token);
  }

  /** Adds a project. */
  addProject(project: Place): Promise<Place> {
    return this.#call("POST", "projects", project);
  }

  /** Sets how long ago a runner, and each of its processes, last made contact. */
  setLastContact(runnerId: number, secondsAgo: number): Promise<void> {
    return this.#call("PUT", `runners/${runnerId}/contact`, { secondsAgo });
  }

  /** Changes settings; they apply to runners that are created and tokens that are reset afterwards. */
  changeSettings(settings: EmulatorSettings): Promise<EmulatorSettings> {
    return this.#call("PUT", "settings", settings);
  }

  /** Everything that the emulator holds; never a token. */
  state(): Promise<StateView> {
    return this.#call("GET", "state");
  }
}
