import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { Masker } from "../../tools/doctor/masker.ts";
import { readConfiguredStack } from "../../tools/doctor/pulumi-stack.ts";
import type { GitLabPart, JobRow, Suggestion } from "../../tools/status/snapshot.ts";
import { sourcesOf, type Watched } from "../../tools/status/sources.ts";
import { gitlabUrl, stackConfigFile, stackName } from "../environment.ts";
import type { StateView } from "../gitlab/control-views.ts";
import { EmulatorControl } from "../gitlab/control.ts";
import { otherProject } from "../gitlab-seed.ts";
import { repository } from "../../tools/repository.ts";
import { homelabStack, readStack } from "../stack-file.ts";
import type { SandboxFolder, SandboxState } from "../sandbox-folder.ts";

const nothingDeployed: Watched = {
  stack: { name: stackName, namespaces: [], isBusy: false, suggestions: [] },
  sources: {
    gitlab: () => Promise.resolve({ runner: null, jobs: [] }),
    cluster: () => Promise.resolve({ pods: [], events: [] }),
    cache: () => Promise.resolve(null),
  },
  trace: () => Promise.resolve(""),
};

/**
 * The sandbox's stack, as the page watches any other, with facts that only a sandbox has. It calls Pulumi, which takes a
 * second of CPU time, only when the stack's state has changed.
 */
export class SandboxStack {
  readonly #folder: SandboxFolder;
  readonly #state: SandboxState;
  readonly #masker: Masker;
  readonly #control: EmulatorControl;
  #version = "";
  #watched = nothingDeployed;

  /** @param masker gets the stack's secrets; the environment is the sandbox's */
  constructor(folder: SandboxFolder, state: SandboxState, masker: Masker) {
    this.#folder = folder;
    this.#state = state;
    this.#masker = masker;
    this.#control = new EmulatorControl(gitlabUrl(state), state.secrets["emulatorToken"] ?? "");
  }

  async read(): Promise<Watched> {
    const isBusy = this.#files("locks").length > 0;
    const version = this.#files("stacks")
      .filter((file) => basename(file) === `${stackName}.json`)
      .map((file) => statSync(file).mtimeMs)
      .join();
    // The state changes constantly during an update.
    if (!isBusy && version !== this.#version && existsSync(stackConfigFile(this.#folder))) {
      const stack = await readConfiguredStack(stackName, this.#masker);
      const isDeployed = stack.outputsJson.trim() !== "{}";
      this.#watched = isDeployed ? sourcesOf(stack, this.#masker, process.env) : nothingDeployed;
      this.#version = version;
    }
    const { stack, sources, trace } = this.#watched;
    const suggestions = this.#suggestions(stack.outputs ?? {});
    const jobCommand = suggestions[0]?.commands[0];
    return {
      stack: {
        ...stack,
        name: basename(this.#state.stack),
        isBusy,
        suggestions,
        ...(jobCommand === undefined ? {} : { jobCommand }),
      },
      sources: { ...sources, gitlab: () => this.#gitlab(sources.gitlab) },
      trace,
    };
  }

  /** Includes the pending jobs: GitLab's API does not list them by the runner that they wait for. */
  async #gitlab(ask: () => Promise<GitLabPart>): Promise<GitLabPart> {
    const state = await this.#control.state();
    const { runner, jobs } = await ask();
    const waiting = waitingJobs(state).filter(({ id }) => !jobs.some((job) => job.id === id));
    return { runner, jobs: [...waiting, ...jobs].sort((a, b) => b.id - a.id) };
  }

  #files(kind: "locks" | "stacks"): string[] {
    const folder = this.#folder.file("pulumi-state", ".pulumi", kind);
    try {
      return readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".json"))
        .map((name) => join(folder, name));
    } catch {
      // Missing before the first Pulumi command, or deleted while it was read.
      return [];
    }
  }

  #suggestions(outputs: Readonly<Record<string, unknown>>): Suggestion[] {
    const folder = this.#folder;
    const state = this.#state;
    const ownFolder = folder.path === join(repository, ".sandbox") ? "" : ` --dir ${quote(folder.path)}`;
    const ownStack = state.stack === homelabStack ? "" : ` --stack ${quote(state.stack)}`;
    const sandbox = `npm run sandbox --${ownFolder}`;
    const enabled = outputs["enabledProjects"];
    const steps = outputs["nextSteps"];
    const suggestions: Suggestion[] = [
      { what: "Run a CI job; a second run finds the cache of the first", commands: [`${sandbox} job`] },
    ];
    // A group runner serves all projects of its group; an existing runner is not enabled by this stack.
    const isEnabledByProject = () =>
      (readStack(stackConfigFile(folder))["gitlab-runner:runnerType"] ?? "project") === "project";
    if (Array.isArray(enabled) && enabled.length === 0 && isEnabledByProject()) {
      suggestions.push({
        what: `Also enable the runner for ${otherProject.path}, and deploy the change`,
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
    suggestions.push({ what: "Stop and delete everything", commands: [`${sandbox} down`] });
    return suggestions;
  }
}

function waitingJobs({ jobs, projects }: StateView): JobRow[] {
  return jobs
    .filter(({ status }) => status === "pending")
    .map(({ id, name, stage, ref, projectId, status, createdAt }) => ({
      ...{ id, name, stage, ref, status, createdAt, failureReason: null, startedAt: null, finishedAt: null },
      project: { id: projectId, path: projects.find((project) => project.id === projectId)?.path ?? String(projectId) },
    }));
}

/** Quotes a text for a shell. */
function quote(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
