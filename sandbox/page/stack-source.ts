import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { repository } from "../../tools/repository.ts";
import { stackConfigFile, stackName } from "../environment.ts";
import { otherProject } from "../places.ts";
import { homelabStack, readStack, stackOutputs } from "../stack.ts";
import type { SandboxFolder, SandboxState } from "../state.ts";
import type { Suggestion, StackPart } from "./snapshot.ts";

/** Tells what is deployed. It asks Pulumi, which takes a second of a processor, only when the stack's state has changed. */
export class StackSource {
  readonly #folder: SandboxFolder;
  readonly #state: SandboxState;
  #version = "";
  #outputs: Record<string, unknown> | undefined;

  constructor(folder: SandboxFolder, state: SandboxState) {
    this.#folder = folder;
    this.#state = state;
  }

  async read(): Promise<StackPart> {
    const isBusy = this.#files("locks").length > 0;
    const version = this.#files("stacks")
      .filter((file) => basename(file) === `${stackName}.json`)
      .map((file) => statSync(file).mtimeMs)
      .join();
    // The state changes all the time while Pulumi is at work.
    if (!isBusy && version !== this.#version) {
      this.#outputs = await stackOutputs(this.#folder, this.#state);
      this.#version = version;
    }
    return {
      file: basename(this.#state.stack),
      isBusy,
      ...(this.#outputs === undefined ? {} : { outputs: this.#outputs }),
      suggestions: this.#suggestions(),
    };
  }

  #files(kind: "locks" | "stacks"): string[] {
    const folder = this.#folder.file("pulumi-state", ".pulumi", kind);
    try {
      return readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".json"))
        .map((name) => join(folder, name));
    } catch {
      // There before the first command of Pulumi's, or gone while it was read.
      return [];
    }
  }

  #suggestions(): Suggestion[] {
    const folder = this.#folder;
    const state = this.#state;
    const outputs = this.#outputs ?? {};
    const ownFolder = folder.path === join(repository, ".sandbox") ? "" : ` --dir ${quote(folder.path)}`;
    const ownStack = state.stack === homelabStack ? "" : ` --stack ${quote(state.stack)}`;
    const sandbox = `npm run sandbox --${ownFolder}`;
    const enabled = outputs["enabledProjects"];
    const steps = outputs["nextSteps"];
    const suggestions: Suggestion[] = [
      { what: "Run a CI job; the second finds the cache of the first", commands: [`${sandbox} job`] },
    ];
    // A group's runner is its projects', and one that was made elsewhere is not this stack's to enable.
    const isEnabledByProject = () =>
      (readStack(stackConfigFile(folder))["gitlab-runner:runnerType"] ?? "project") === "project";
    if (Array.isArray(enabled) && enabled.length === 0 && isEnabledByProject()) {
      suggestions.push({
        what: `Enable the runner for ${otherProject.path}, too, and deploy that`,
        commands: [
          `${sandbox} exec -- pulumi config set --path 'extraProjects[0]' ${otherProject.id}`,
          `${sandbox} up${ownStack}`,
        ],
      });
    }
    if (Array.isArray(steps)) {
      suggestions.push({
        what: "Look at it in Kubernetes",
        commands: steps.map((step) => `${sandbox} exec -- ${String(step)}`),
      });
    }
    suggestions.push({ what: "Stop it all, and leave nothing behind", commands: [`${sandbox} down`] });
    return suggestions;
  }
}

/** As a shell needs it. */
function quote(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
