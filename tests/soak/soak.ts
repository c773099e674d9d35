import { setTimeout as sleep } from "node:timers/promises";
import { deployed, differences, inventory, nothing, runners } from "./end-state.ts";
import type { ServerFault } from "./faults.ts";
import { familyOf, kill, type Victims } from "./kill.ts";
import type { Operation, Point } from "./points.ts";
import type { ProxiedSandbox, Run } from "./proxied-sandbox.ts";

/** How a point ended. */
export interface Outcome {
  /** `by itself`: at most, Pulumi's own `cancel`, `refresh` and `up` were needed. */
  readonly recovered: "by itself" | "by --fix" | "lost";
  /** What the doctor did, and what is wrong at the end. */
  readonly notes: readonly string[];
  /** How many runners were left in GitLab that the doctor names, and leaves to a person. */
  readonly named: number;
}

const options = ["--yes", "--skip-preview", "--non-interactive", "--suppress-outputs"];
const commands: Readonly<Record<Operation, readonly string[]>> = {
  "first up": ["pulumi", "up", ...options],
  rotation: ["pulumi", "up", ...options],
  destroy: ["pulumi", "destroy", ...options],
};

/** How long Helm waits for the manager's pod. */
const helmWaitsMs = 6_000;

/** What the doctor does that is no more than Pulumi's own `cancel` (the plan of which stands by itself), `up` and `refresh`. */
const ownSteps = /^(What can be done|Compare everything|Clear the interrupted operations)/;

/** Makes things happen to one sandbox, and sees whether its stack comes to the same end. */
export class Soak {
  readonly #sandbox: ProxiedSandbox;
  readonly #durations = new Map<Operation, number>();
  readonly #writes = new Map<string, number>();
  #isDeployed = false;
  #rotation = 0;

  /** @param sandbox with nothing deployed */
  constructor(sandbox: ProxiedSandbox) {
    this.#sandbox = sandbox;
  }

  /** Runs each operation undisturbed, to know how long it takes, and how many calls it makes. */
  async measure(): Promise<void> {
    await this.#expectNoFault();
    for (const operation of ["first up", "rotation", "destroy"] as const) {
      await this.#prepare(operation);
      await this.#holdPods();
      const start = performance.now();
      await this.#sandbox.must(...commands[operation]);
      this.#durations.set(operation, performance.now() - start);
      if (operation === "first up") {
        Object.entries(this.#sandbox.proxies).forEach(([server, { writes }]) => this.#writes.set(server, writes));
      }
      this.#isDeployed = operation !== "destroy";
    }
  }

  /** @returns how long an operation takes undisturbed, in milliseconds */
  duration(operation: Operation): number {
    return this.#durations.get(operation) ?? 0;
  }

  /** Does a point, then `doctor --fix --yes`, then the same command again. */
  async try(point: Point): Promise<Outcome> {
    const { operation, share } = point;
    await this.#prepare(operation);
    const leftovers: number[] = [];
    const first =
      "victims" in point
        ? await this.#killed(operation, share * this.duration(operation), point.victims, leftovers)
        : await this.#disturbed(operation, share, point);
    const fix = await this.#sandbox.fix();
    const again = await this.#sandbox.run(...commands[operation]);
    kill(leftovers);
    this.#isDeployed = operation !== "destroy";
    const { wrong, named } = await this.#judge(operation, fix, again);
    const done = [...fix.all.matchAll(/^(\S.*)\n(?: {2}.*\n)*✔ Done\./gm)].map(([, title = ""]) => title);
    const own = done.filter((title) => !ownSteps.test(title));
    const isAlone = first?.exitCode === 0 || own.length === 0;
    if (wrong.length > 0) {
      wrong.push(lastLines("doctor --fix", fix), lastLines("the same command again", again));
    }
    return {
      recovered: wrong.length > 0 ? "lost" : isAlone ? "by itself" : "by --fix",
      notes: [...own, ...wrong],
      named,
    };
  }

  /** Brings the stack to where the operation begins. */
  async #prepare(operation: Operation): Promise<void> {
    const mustBeDeployed = operation !== "first up";
    if (mustBeDeployed !== this.#isDeployed) {
      await this.#sandbox.must(...commands[mustBeDeployed ? "first up" : "destroy"]);
      this.#isDeployed = mustBeDeployed;
    }
    if (operation === "rotation") {
      this.#rotation += 1;
      await this.#sandbox.must("pulumi", "config", "set", "rotation", String(this.#rotation));
    }
  }

  /** Has Helm wait from its first call about the manager's Deployment on. */
  async #holdPods(): Promise<void> {
    const proxy = this.#sandbox.proxies["Kubernetes API"];
    await this.#sandbox.holdPods(true);
    proxy.onCall = (method, path) => {
      if (method !== "GET" && path.includes("/deployments")) {
        proxy.onCall = () => undefined;
        void sleep(helmWaitsMs).then(() => this.#sandbox.holdPods(false));
      }
    };
  }

  async #killed(
    operation: Operation,
    afterMs: number,
    victims: Victims,
    leftovers: number[],
  ): Promise<Run | undefined> {
    if (operation !== "destroy") {
      await this.#holdPods();
    }
    const running = this.#sandbox.start(commands[operation]);
    const ended = await Promise.race([running, sleep(afterMs)]);
    if (ended === undefined) {
      const [engine = 0, ...others] = await familyOf(running.pid ?? 0);
      kill(victims === "engine" ? [engine] : [engine, ...others]);
      leftovers.push(...others);
      // Its output may be held open by a plugin that is still alive.
      await Promise.race([running, sleep(5_000)]);
    }
    this.#sandbox.proxies["Kubernetes API"].onCall = () => undefined;
    await this.#sandbox.holdPods(false);
    return ended === undefined ? undefined : { all: String(ended.all), exitCode: ended.exitCode };
  }

  async #disturbed(operation: Operation, share: number, { server, fault }: ServerFault): Promise<Run> {
    const proxy = this.#sandbox.proxies[server];
    const afterWrites = Math.floor(share * (this.#writes.get(server) ?? 0));
    await proxy.expect({ ...fault, afterWrites });
    const run = await this.#sandbox.run(...commands[operation]);
    if (proxy.met === 0) {
      throw new Error(`the fault has met no call of ${server}: there were ${proxy.writes} that change something`);
    }
    await this.#expectNoFault();
    return run;
  }

  async #expectNoFault(): Promise<void> {
    await Promise.all(Object.values(this.#sandbox.proxies).map((proxy) => proxy.expect(undefined)));
  }

  /** Compares what there is with what there must be. */
  async #judge(operation: Operation, fix: Run, again: Run): Promise<{ wrong: string[]; named: number }> {
    const wrong = again.exitCode === 0 ? [] : [`the same command ended with ${again.exitCode ?? "a signal"}`];
    const own = operation === "destroy" ? undefined : await this.#runnerId();
    const doubles = (await runners(this.#sandbox)).filter((id) => id !== own);
    let said = fix.all;
    if (own !== undefined && doubles.some((id) => !said.includes(`#${id}`))) {
      said += (await this.#sandbox.run(process.execPath, "tools/doctor.ts", "--stack", "sandbox")).all;
    }
    const named = doubles.filter((id) => said.includes(`#${id}`));
    // As a person does who has read what the doctor says.
    await Promise.all(named.map((runnerId) => this.#sandbox.gitlab.Runners.remove({ runnerId })));
    const expected = operation === "destroy" ? nothing : deployed(String(own));
    wrong.push(...differences(await inventory(this.#sandbox), expected));
    if (operation !== "destroy") {
      const preview = ["pulumi", "preview", "--refresh", "--expect-no-changes", "--non-interactive"];
      const { exitCode, all } = await this.#sandbox.run(...preview);
      if (exitCode !== 0) {
        wrong.push(`pulumi preview finds something to do:\n${all}`);
      }
    }
    return { wrong, named: named.length };
  }

  async #runnerId(): Promise<number | undefined> {
    const { all, exitCode } = await this.#sandbox.run("pulumi", "stack", "output", "--json", "runnerId");
    return exitCode === 0 ? Number(JSON.parse(all)) : undefined;
  }
}

function lastLines(what: string, { all }: Run): string {
  return `${what} printed:\n${all.trimEnd().split("\n").slice(-60).join("\n")}`;
}
