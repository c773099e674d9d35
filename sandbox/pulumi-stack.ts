import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import type { Tools } from "../tools/pinned-tools.ts";
import { PulumiCli } from "../tools/pulumi-cli.ts";
import { repository } from "../tools/repository.ts";
import { UserError } from "../tools/user-error.ts";
import { readStack, type StackValues } from "./stack-file.ts";
import { GitLabApi } from "../tools/clients/gitlab.ts";
import {
  authorityFile,
  gitlabUrl,
  minioServer,
  sandboxEnvironment,
  stackConfigFile,
  stackName,
} from "./environment.ts";
import { minioAdmin } from "./minio-admin.ts";
import { ownGroup, ownProject } from "./gitlab-seed.ts";
import type { SandboxFolder, SandboxState } from "./sandbox-folder.ts";

/** What to deploy. */
export interface StackOptions {
  /** Chart to install instead of the sandbox's own: its folder or .tgz. */
  readonly chart: string | undefined;
  /** Stack file to deploy. @defaultValue the homelab's */
  readonly stack: string;
  /** Install the published provider plugins first. */
  readonly published: boolean;
}

type Values = Record<string, unknown>;

/** Creates the Pulumi stack, with its own state file and no configuration. Needs no server. */
export async function initStack(folder: SandboxFolder, state: SandboxState, tools: Tools): Promise<void> {
  mkdirSync(folder.file("pulumi-state"), { recursive: true });
  // `stack init` writes its salt to the folder of Pulumi.yaml, so it gets a Pulumi.yaml outside the checkout.
  const init = folder.folder("stack-init");
  copyFileSync(join(repository, "Pulumi.yaml"), join(init, "Pulumi.yaml"));
  const pulumi = new PulumiCli({ program: tools.pulumi, environment: sandboxEnvironment(folder, state) });
  await pulumi.ask(["stack", "init", stackName, "--cwd", init]);
  renameSync(join(init, `Pulumi.${stackName}.yaml`), stackConfigFile(folder));
}

/** Configures the stack: the values of its file, with the sandbox's addresses instead of the real ones. */
export async function configureStack(
  folder: SandboxFolder,
  state: SandboxState,
  values: StackValues,
  options: StackOptions,
): Promise<void> {
  const cache = values["gitlab-runner:cache"];
  // The providers' configuration in the file has the user's servers.
  const ofProgram = Object.entries(values).filter(([key]) => key.startsWith("gitlab-runner:"));
  const config: Values = {
    ...Object.fromEntries(ofProgram),
    ...("gitlab-runner:projectId" in values ? { "gitlab-runner:projectId": ownProject.id } : {}),
    ...("gitlab-runner:groupId" in values ? { "gitlab-runner:groupId": ownGroup.id } : {}),
    "gitlab-runner:gitlabUrl": gitlabUrl(state),
    "gitlab-runner:chart": chartConfig(state, options, values["gitlab-runner:chart"]),
    "gitlab:baseUrl": `${gitlabUrl(state)}/api/v4/`,
    "minio:minioServer": minioServer(state),
    "minio:minioSsl": String(state.minioTls),
    "kubernetes:context": "sandbox",
  };
  if (cache !== false) {
    const isOwn = cache?.adopt !== true && cache?.credentials === undefined;
    config["gitlab-runner:cache"] = {
      ...cache,
      credentials: undefined,
      server: minioServer(state),
      insecure: !state.minioTls,
      // So that objects in the cache do not make `pulumi destroy` fail.
      ...(isOwn ? { deleteWithStack: true } : {}),
    };
  }
  if (values["gitlab-runner:caCertificate"] !== undefined) {
    config["gitlab-runner:caCertificate"] = readFileSync(authorityFile(folder), "utf8");
  }
  if (state.minioTls) {
    config["minio:minioCacertFile"] = authorityFile(folder);
  }
  delete config["gitlab-runner:runnerToken"];
  const file = parseDocument(readFileSync(stackConfigFile(folder), "utf8"));
  file.commentBefore = ` The sandbox's stack: ${basename(options.stack)} with the addresses of this sandbox.`;
  file.set("config", config);
  writeFileSync(stackConfigFile(folder), file.toString({ lineWidth: 0 }));
  await makePrerequisites(folder, state, values);
}

/** Creates what the stack expects to exist, a runner or a bucket, and configures the secrets for it. */
async function makePrerequisites(folder: SandboxFolder, state: SandboxState, values: StackValues): Promise<void> {
  const pulumi = pulumiOf(folder, state);
  if (values["gitlab-runner:runnerToken"] !== undefined) {
    const api = new GitLabApi(`${gitlabUrl(state)}/api/v4`, state.secrets["gitlabToken"] ?? "");
    const token = await api.createProjectRunner(ownProject.id, "made-beforehand", ["kubernetes"]);
    await pulumi.setSecret("gitlab-runner:runnerToken", token);
  }
  const cache = values["gitlab-runner:cache"];
  if (cache === undefined || cache === false || (cache.credentials === undefined && cache.adopt !== true)) {
    return;
  }
  const { store, keys } = minioAdmin(folder, state);
  await store.makeBucket(keys, cache.bucket ?? "gitlab-runner-cache");
  if (cache.credentials !== undefined) {
    await pulumi.setSecret("gitlab-runner:cache.credentials.accessKey", keys.accessKey);
    await pulumi.setSecret("gitlab-runner:cache.credentials.secretKey", keys.secretKey);
  }
}

/** Configures another chart, which the next `pulumi up` installs. */
export function changeChart(folder: SandboxFolder, state: SandboxState, options: StackOptions): void {
  const file = parseDocument(readFileSync(stackConfigFile(folder), "utf8"));
  const given = readStack(options.stack)["gitlab-runner:chart"];
  file.setIn(["config", "gitlab-runner:chart"], file.createNode(chartConfig(state, options, given)));
  writeFileSync(stackConfigFile(folder), file.toString({ lineWidth: 0 }));
}

function chartConfig(state: SandboxState, options: StackOptions, given: Values = {}): Values {
  const { repository: _repository, path: _path, ...others } = given;
  return options.chart === undefined
    ? { ...others, repository: `http://127.0.0.1:${state.ports["charts"] ?? 0}` }
    : { ...others, path: options.chart };
}

/**
 * Runs `pulumi up` and shows its output.
 * @throws UserError when it fails
 */
export async function pulumiUp(
  folder: SandboxFolder,
  state: SandboxState,
  onLine: (line: string) => void,
): Promise<void> {
  const pulumi = pulumiOf(folder, state);
  const { exitCode, timedOut, output } = await pulumi.run(["up", "--yes", "--skip-preview", "--suppress-outputs"], {
    timeout: 15 * 60_000,
    onLine,
  });
  if (exitCode !== 0) {
    const diagnostics = output.slice(Math.max(0, output.search(/^Diagnostics:$/m)));
    throw new UserError(
      `pulumi up ${timedOut ? "took longer than 15 minutes" : "failed"}:\n${diagnostics.trimEnd()}\n\n` +
        "The sandbox's servers are still running. Check them with 'npm run sandbox -- status', and try again with 'npm run sandbox'.",
    );
  }
}

/** @returns the stack's outputs, or undefined before the first `pulumi up` */
export async function stackOutputs(folder: SandboxFolder, state: SandboxState): Promise<Values | undefined> {
  if (!existsSync(stackConfigFile(folder))) {
    return undefined;
  }
  const pulumi = pulumiOf(folder, state);
  const outputs = await pulumi.json(z.record(z.string(), z.unknown()), ["stack", "output"]);
  return Object.keys(outputs).length === 0 ? undefined : outputs;
}

function pulumiOf(folder: SandboxFolder, state: SandboxState): PulumiCli {
  return new PulumiCli({ environment: sandboxEnvironment(folder, state) });
}
