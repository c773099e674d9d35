import { fork } from "node:child_process";
import { join } from "node:path";
import type { PartName } from "./parts.ts";
import type { Report } from "./try-part.ts";

/** What a part made of all that it was given. */
export interface Outcome {
  readonly part: PartName;
  readonly tries: number;
  readonly accepted: number;
  readonly refused: number;
  readonly slowestMilliseconds: number;
  /** What is wrong, each with the try that shows it. */
  readonly defects: readonly string[];
}

/** What to try. */
export interface Tries {
  readonly part: PartName;
  readonly count: number;
  /** What all is drawn from: the same tries again. */
  readonly seed: number;
  /** Number of the first. @defaultValue 0 */
  readonly first?: number;
}

/** How long a process may say nothing, in milliseconds, from its start on. */
const silence = 60_000;

/** Tries a part in a process of its own, so that one that hangs or ends is seen. */
export async function fuzz({ part, count, seed, first = 0 }: Tries): Promise<Outcome> {
  const child = fork(join(import.meta.dirname, "try-part.ts"), [part, String(count), String(seed), String(first)], {
    execArgv: ["--expose-gc"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let [errors, last] = ["", first];
  child.stderr?.on("data", (data: Buffer) => (errors = `${errors}${data.toString()}`.slice(-5_000)));
  let outcome: Outcome | undefined;
  const ended = (defect: string): Outcome => {
    const tries = last - first + 1;
    return { part, tries, accepted: 0, refused: 0, slowestMilliseconds: 0, defects: [defect] };
  };
  const hang = setTimeout(() => {
    outcome ??= ended(`try ${last}: it hangs`);
    child.kill("SIGKILL");
  }, silence);
  child.on("message", (report: Report) => {
    hang.refresh();
    if ("try" in report) {
      last = report.try;
    } else {
      outcome ??= { part, tries: last - first + 1, ...report };
    }
  });
  const code = await new Promise((resolve) =>
    child.once("exit", (code, signal) => {
      resolve(code ?? signal);
    }),
  );
  clearTimeout(hang);
  return code === 0 && outcome !== undefined
    ? outcome
    : (outcome ?? ended(`try ${last}: the process has ended with ${String(code)}\n${errors}`));
}
