import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { parse, parseDocument } from "yaml";
import { gitlabUrl, minioServer, sandboxEnvironment, stackConfigFile, stackName } from "./environment.ts";
import { SandboxError } from "./errors.ts";
import { repository } from "./pulumi-home.ts";
import type { SandboxFolder, SandboxState } from "./state.ts";
import type { Tools } from "./tools.ts";

/** Chart to install instead of the sandbox's own: its folder or .tgz. */
export interface StackOptions {
  readonly chart: string | undefined;
}

type Values = Record<string, unknown>;

/** @returns the homelab stack's values, which the sandbox deploys */
export function homelabValues(): Values {
  const file = join(repository, "Pulumi.homelab.yaml");
  return (parse(readFileSync(file, "utf8")) as { config: Values }).config;
}

/**
 * Makes the Pulumi stack: a state file of its own, and the homelab's values with the sandbox's addresses in place of the
 * homelab's. Needs no server.
 */
export async function createStack(
  folder: SandboxFolder,
  state: SandboxState,
  tools: Tools,
  options: StackOptions,
): Promise<void> {
  mkdirSync(folder.file("pulumi-state"), { recursive: true });
  // `stack init` writes its salt beside Pulumi.yaml, so it gets one outside the checkout.
  const init = folder.folder("stack-init");
  copyFileSync(join(repository, "Pulumi.yaml"), join(init, "Pulumi.yaml"));
  await execa(tools.pulumi, ["stack", "init", stackName, "--non-interactive", "--cwd", init], {
    env: sandboxEnvironment(folder, state),
    extendEnv: false,
    timeout: 60_000,
    stdin: "ignore",
  });
  renameSync(join(init, `Pulumi.${stackName}.yaml`), stackConfigFile(folder));

  const homelab = homelabValues();
  const config: Values = {
    ...homelab,
    "gitlab-runner:gitlabUrl": gitlabUrl(state),
    "gitlab-runner:cache": {
      ...(homelab["gitlab-runner:cache"] as Values),
      server: minioServer(state),
      // So that `pulumi destroy` is not stopped by what jobs have left in the cache.
      deleteWithStack: true,
    },
    "gitlab-runner:chart": chartConfig(state, options),
    "gitlab:baseUrl": `${gitlabUrl(state)}/api/v4/`,
    "minio:minioServer": minioServer(state),
    "minio:minioSsl": "false",
    "kubernetes:context": "sandbox",
  };
  const file = parseDocument(readFileSync(stackConfigFile(folder), "utf8"));
  file.commentBefore = " The sandbox's stack: Pulumi.homelab.yaml with the addresses of this sandbox.";
  file.set("config", config);
  writeFileSync(stackConfigFile(folder), file.toString({ lineWidth: 0 }));
}

/** Makes the stack install another chart at the next `pulumi up`. */
export function changeChart(folder: SandboxFolder, state: SandboxState, options: StackOptions): void {
  const file = parseDocument(readFileSync(stackConfigFile(folder), "utf8"));
  file.setIn(["config", "gitlab-runner:chart"], file.createNode(chartConfig(state, options)));
  writeFileSync(stackConfigFile(folder), file.toString({ lineWidth: 0 }));
}

function chartConfig(state: SandboxState, options: StackOptions): Values {
  return options.chart === undefined
    ? { repository: `http://127.0.0.1:${state.ports["charts"] ?? 0}` }
    : { path: options.chart };
}

/**
 * Runs `pulumi up`, and passes on what it prints.
 * @throws SandboxError when it fails
 */
export async function pulumiUp(
  folder: SandboxFolder,
  state: SandboxState,
  onLine: (line: string) => void,
): Promise<void> {
  const result = execa("pulumi", ["up", "--yes", "--skip-preview", "--non-interactive", "--suppress-outputs"], {
    cwd: repository,
    env: sandboxEnvironment(folder, state),
    extendEnv: false,
    reject: false,
    all: true,
    stdin: "ignore",
    timeout: 15 * 60_000,
  });
  const lines: string[] = [];
  for await (const line of result.iterable({ from: "all" })) {
    lines.push(line);
    onLine(line);
  }
  const { exitCode, timedOut } = await result;
  if (exitCode !== 0) {
    const diagnostics = lines.slice(Math.max(0, lines.indexOf("Diagnostics:")));
    throw new SandboxError(
      `pulumi up ${timedOut ? "took longer than 15 minutes" : "failed"}:\n${diagnostics.join("\n").trimEnd()}\n\n` +
        "The sandbox's servers are still up. Look around with 'npm run sandbox -- status', try again with 'npm run sandbox'.",
    );
  }
}

/** @returns the stack's outputs, or undefined before the first `pulumi up` */
export async function stackOutputs(folder: SandboxFolder, state: SandboxState): Promise<Values | undefined> {
  if (!existsSync(stackConfigFile(folder))) {
    return undefined;
  }
  const { stdout } = await execa("pulumi", ["stack", "output", "--json"], {
    cwd: repository,
    env: sandboxEnvironment(folder, state),
    extendEnv: false,
    timeout: 60_000,
    stdin: "ignore",
  });
  const outputs = JSON.parse(stdout) as Values;
  return Object.keys(outputs).length === 0 ? undefined : outputs;
}
