import { readdirSync, readFileSync } from "node:fs";

/** Arguments and environments of this machine's processes, as all users and as the same user can read them. */
export class ProcessWatch {
  /** Those that are given secrets in their environment, on purpose, with all that they start. */
  readonly #entitled: Set<number>;
  readonly #arguments = new Set<string>();
  readonly #environments = new Set<string>();

  /** @param entitled ids of the processes that may have secrets in their environment; their children may, too */
  constructor(entitled: readonly number[]) {
    this.#entitled = new Set(entitled);
  }

  /** The arguments of every process that a look has seen. */
  get arguments(): string {
    return [...this.#arguments].join("\n");
  }

  /** The environment of every process that a look has seen, and that is not entitled to secrets. */
  get environments(): string {
    return [...this.#environments].join("\n");
  }

  /** How many different arguments and environments it has seen. */
  get seen(): { readonly arguments: number; readonly environments: number } {
    return { arguments: this.#arguments.size, environments: this.#environments.size };
  }

  /** Takes a look. */
  look(): void {
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    const parents = new Map(pids.map((pid) => [Number(pid), parentOf(pid)]));
    const isEntitled = (pid: number | undefined): boolean =>
      pid !== undefined && pid > 1 && (this.#entitled.has(pid) || isEntitled(parents.get(pid)));
    for (const pid of pids) {
      this.#arguments.add(read(`/proc/${pid}/cmdline`));
      if (isEntitled(Number(pid))) {
        // Also when the one that started it ends first.
        this.#entitled.add(Number(pid));
      } else {
        this.#environments.add(read(`/proc/${pid}/environ`));
      }
    }
  }
}

function parentOf(pid: string): number | undefined {
  // After the name, which may contain any character: the state, and the parent; see proc(5).
  const field = read(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ")[1];
  return field === undefined ? undefined : Number(field);
}

/** A process may have ended, or belong to another user. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
