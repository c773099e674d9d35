import { randomBytes } from "node:crypto";
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import getPort from "get-port";
import { Listr, PRESET_TIMER } from "listr2";
import { lock } from "proper-lockfile";
import { builtTools, type Tools } from "../tools/pinned-tools.ts";
import { PulumiCli } from "../tools/pulumi-cli.ts";
import { UserError } from "../tools/user-error.ts";
import { requireGo, toolBuilds, type ToolBuild } from "./built-tools.ts";
import { expectOk, startApiServer, startControllers } from "./cluster.ts";
import { authorityFile, gitlabUrl, minioServer, minioUrl, sandboxEnvironment } from "./environment.ts";
import { pageUrl } from "./page/page-url.ts";
import { gitlabSeed } from "./gitlab-seed.ts";
import { installPlugins, ownTools, publishedPlugins } from "./pulumi-home.ts";
import { isRunning, killUnrecorded, startServer, stopServers } from "./servers.ts";
import { changeChart, configureStack, initStack, pulumiUp, type StackOptions } from "./pulumi-stack.ts";
import { SandboxFolder, type SandboxState } from "./sandbox-folder.ts";
import { nodeLabels, readStack, wantsTls, type StackValues } from "./stack-file.ts";

const ports = [
  "etcd",
  "etcd-peer",
  "kubernetes",
  "controller-manager",
  "scheduler",
  "kubelet",
  "minio",
  "minio-console",
  "gitlab",
  "charts",
  "page",
];

/** A sandbox whose servers are all up. */
export interface Sandbox {
  readonly folder: SandboxFolder;
  readonly state: SandboxState;
}

/** Which tools to build. */
interface BuildOptions {
  /** Also those that only tests need. @defaultValue false */
  readonly forTests?: boolean;
  /** Only these. @defaultValue all */
  readonly only?: readonly ToolBuild["title"][];
}

/** Builds the tools that this machine does not have and that are not in the cache, and shows the elapsed time: about fifteen minutes on two cores, once. */
export async function buildTools({ forTests = false, only }: BuildOptions = {}): Promise<void> {
  const own = ownTools();
  const missing = [...toolBuilds(), ...(forTests ? toolBuilds({ forTests }) : [])].filter(
    ({ ready, title }) => !ready && !(title in own) && only?.includes(title) !== false,
  );
  if (missing.length === 0) {
    return;
  }
  await requireGo();
  console.log("Building the sandbox's tools from source; this happens once.");
  await progress(
    missing.map((build) => ({ title: build.title, run: () => build.run() })),
    { concurrent: false },
  );
}

/**
 * Installs missing published plugins, and builds the tools that this requires and those that are still missing.
 * @throws UserError if that fails
 */
async function installPublishedPlugins(): Promise<void> {
  await buildTools({ only: ["pulumi"] });
  const pulumi = new PulumiCli({ program: { ...builtTools(), ...ownTools() }.pulumi });
  for (const plugin of publishedPlugins()) {
    console.log(`pulumi plugin install ${plugin.join(" ")}`);
    const { exitCode, output } = await pulumi.run(["plugin", "install", ...plugin], { timeout: 10 * 60_000 });
    if (exitCode !== 0) {
      throw new UserError(
        `The published plugin ${plugin.slice(1).join(" ")} cannot be installed:\n${output.trim()}\n` +
          "Without --published, the sandbox uses those that are installed, and its own plugins for the others.",
      );
    }
  }
  await buildTools();
}

/**
 * Starts the servers unless they are running, and deploys the stack.
 * @returns the sandbox, and whether it was running before
 */
export async function up(path: string, options: StackOptions): Promise<Sandbox & { readonly wasRunning: boolean }> {
  const folder = new SandboxFolder(path);
  const unlock = await lockFolder(folder);
  try {
    const found = folder.read();
    if (found?.complete === true && found.servers.every(isRunning)) {
      if (found.stack !== options.stack) {
        throw new UserError(
          `The sandbox in ${folder.path} runs ${found.stack}.\nStop it first: npm run sandbox -- down. Or choose another folder with --dir.`,
        );
      }
      if (options.published) {
        throw new UserError(
          `The sandbox in ${folder.path} is already running; its plugins cannot be changed.\nStop it first: npm run sandbox -- down`,
        );
      }
      if (options.chart !== undefined) {
        changeChart(folder, found, options);
      }
      await deploy({ folder, state: found });
      return { folder, state: found, wasRunning: true };
    }
    if (found !== undefined) {
      console.log("Cleaning up a sandbox that was interrupted.");
      await clear(folder, found);
    }
    await (options.published ? installPublishedPlugins() : buildTools());
    const state = await startAll(folder, options);
    await deploy({ folder, state });
    return { folder, state, wasRunning: false };
  } finally {
    await unlock();
  }
}

/**
 * Stops the servers and deletes the sandbox's folder.
 * @returns the names of the servers that were running, or undefined if there was no sandbox
 */
export async function down(path: string): Promise<string[] | undefined> {
  const folder = new SandboxFolder(path);
  const state = folder.read();
  return state === undefined ? undefined : clear(folder, state);
}

/** @throws UserError unless all servers of the sandbox are up */
export function running(path: string): Sandbox {
  const folder = new SandboxFolder(path);
  const state = folder.read();
  if (state === undefined) {
    throw new UserError(`There is no sandbox in ${folder.path}.\nStart one: npm run sandbox`);
  }
  const ended = state.servers.filter((server) => !isRunning(server));
  if (!state.complete || ended.length > 0) {
    const reason = ended.length === 0 ? "was interrupted" : `has lost ${ended.map(({ name }) => name).join(", ")}`;
    throw new UserError(
      `The sandbox in ${folder.path} ${reason}; the logs are in ${folder.file("logs")}.\nStart it again: npm run sandbox`,
    );
  }
  return { folder, state };
}

async function clear(folder: SandboxFolder, state: SandboxState): Promise<string[]> {
  const stopped = await stopServers(state.servers);
  killUnrecorded(folder);
  for (const extra of state.extraFolders) {
    rmSync(extra, { recursive: true, force: true });
  }
  folder.delete();
  return stopped;
}

async function startAll(folder: SandboxFolder, options: StackOptions): Promise<SandboxState> {
  const values = readStack(options.stack);
  const tools = { ...builtTools(), ...ownTools() };
  const state: SandboxState = {
    servers: [],
    ports: Object.fromEntries(
      await Promise.all(ports.map(async (name) => [name, await getPort({ host: "127.0.0.1" })])),
    ) as Record<string, number>,
    secrets: {
      passphrase: secret(),
      kubernetesToken: secret(),
      minioUser: "sandbox-admin",
      minioPassword: secret(),
      gitlabToken: `glpat-${secret()}`,
      emulatorToken: secret(),
    },
    stack: options.stack,
    minioTls: wantsTls(values),
    runnerHelper: false,
    complete: false,
    plugins: {},
    extraFolders: [],
  };
  folder.write(state);
  const bin = folder.folder("bin");
  for (const tool of ["pulumi", "kubectl", "helm", "mc"] as const) {
    symlinkSync(tools[tool], join(bin, tool));
  }
  state.plugins = installPlugins(folder, tools);

  const apiServer = Promise.withResolvers<undefined>();
  await progress([
    {
      title: "Kubernetes: etcd and API server, then controllers, scheduler and a simulated node",
      run: async () => {
        try {
          await startApiServer(folder, state, tools);
        } finally {
          apiServer.resolve(undefined);
        }
        await startControllers(folder, state, tools, nodeLabels(values));
      },
    },
    {
      title: "MinIO",
      run: async () => {
        if (state.minioTls) {
          // The API server generates the certificate.
          await apiServer.promise;
        }
        await startMinio(folder, state, tools);
      },
    },
    { title: "GitLab (an emulator of its API)", run: () => startGitLab(folder, state, values) },
    { title: "Helm repository, with the sandbox's own chart", run: () => startCharts(folder, state) },
    { title: "Web page", run: () => startPage(folder, state) },
    { title: "Pulumi stack", run: () => initStack(folder, state, tools) },
  ]);
  await configureStack(folder, state, values, options);
  state.complete = true;
  folder.write(state);
  return state;
}

async function startMinio(folder: SandboxFolder, state: SandboxState, tools: Tools): Promise<void> {
  if (state.minioTls) {
    copyFileSync(authorityFile(folder), join(folder.folder("minio-certs"), "public.crt"));
    copyFileSync(folder.file("kubernetes", "certs", "apiserver.key"), folder.file("minio-certs", "private.key"));
    copyFileSync(authorityFile(folder), join(folder.folder("mc", "certs", "CAs"), "sandbox.crt"));
  }
  await startServer(folder, state, {
    name: "minio",
    command: tools.minio,
    args: [
      "server",
      "--address",
      minioServer(state),
      "--console-address",
      `127.0.0.1:${state.ports["minio-console"] ?? 0}`,
      ...(state.minioTls ? ["--certs-dir", folder.file("minio-certs")] : []),
      folder.folder("minio"),
    ],
    env: {
      HOME: folder.path,
      MINIO_ROOT_USER: state.secrets["minioUser"] ?? "",
      MINIO_ROOT_PASSWORD: state.secrets["minioPassword"] ?? "",
      MINIO_BROWSER: "off",
      MINIO_UPDATE: "off",
    },
    ready: () => expectOk(`${minioUrl(state)}/minio/health/ready`),
  });
}

async function startGitLab(folder: SandboxFolder, state: SandboxState, values: StackValues): Promise<void> {
  const file = folder.file("gitlab-seed.json");
  writeFileSync(file, JSON.stringify(gitlabSeed(state, values)), { mode: 0o600 });
  await startServer(folder, state, {
    name: "gitlab",
    command: process.execPath,
    args: [join(import.meta.dirname, "gitlab", "main.ts"), "--port", String(state.ports["gitlab"]), "--seed", file],
    ready: () => expectOk(`${gitlabUrl(state)}/`),
  });
}

async function startCharts(folder: SandboxFolder, state: SandboxState): Promise<void> {
  await startServer(folder, state, {
    name: "charts",
    command: process.execPath,
    args: [
      join(import.meta.dirname, "chart-repository.ts"),
      "--port",
      String(state.ports["charts"]),
      "--dir",
      folder.folder("charts"),
    ],
    // It uses helm to package the chart.
    env: { PATH: sandboxEnvironment(folder, state)["PATH"] ?? "" },
    ready: () => expectOk(`http://127.0.0.1:${state.ports["charts"] ?? 0}/index.yaml`),
  });
}

async function startPage(folder: SandboxFolder, state: SandboxState): Promise<void> {
  await startServer(folder, state, {
    name: "page",
    command: process.execPath,
    args: [
      join(import.meta.dirname, "page", "main.ts"),
      "--port",
      String(state.ports["page"]),
      // The addresses of the servers, and their secrets.
      "--dir",
      folder.path,
    ],
    ready: () => expectOk(`${pageUrl(state)}/healthz`),
  });
}

async function deploy({ folder, state }: Sandbox): Promise<void> {
  await progress([
    {
      title: "pulumi up",
      run: (show) =>
        pulumiUp(folder, state, (line) => {
          if (line.trim() !== "") {
            show(line.trim());
          }
        }),
    },
  ]);
}

/** A step that takes a while. */
interface Step {
  readonly title: string;
  readonly run: (show: (line: string) => void) => Promise<void>;
}

/** Shows the running step and its duration; as plain lines if the output is not a terminal. */
async function progress(
  steps: readonly Step[],
  options: { concurrent: boolean } = { concurrent: true },
): Promise<void> {
  let failure: unknown;
  const list = new Listr(
    steps.map(({ title, run }) => ({
      title,
      task: async (_: unknown, task: { output: string }) => {
        try {
          await run((line) => (task.output = line));
        } catch (error) {
          failure ??= error;
          // The list marks the step; the error is shown once, below it.
          throw new Error(title, { cause: error });
        }
      },
    })),
    {
      concurrent: options.concurrent,
      rendererOptions: { timer: PRESET_TIMER, showErrorMessage: false },
      fallbackRendererOptions: { timer: PRESET_TIMER },
      fallbackRenderer: "simple",
      // The command line has its own handler, which cleans up what was started.
      registerSignalListeners: false,
    },
  );
  try {
    await list.run();
  } catch (error) {
    throw failure ?? error;
  }
}

async function lockFolder(folder: SandboxFolder): Promise<() => Promise<void>> {
  const file = folder.path;
  mkdirSync(dirname(file), { recursive: true });
  try {
    return await lock(file, {
      realpath: false,
      lockfilePath: `${file}.lock`,
      // The lock of a killed command expires after a while, so wait for that.
      stale: 5_000,
      update: 1_000,
      retries: { retries: 12, factor: 1, minTimeout: 500, maxTimeout: 500 },
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ELOCKED") {
      throw new UserError(
        `Another command is starting a sandbox in ${folder.path}. Wait for it, or choose another folder with --dir.`,
      );
    }
    throw error;
  }
}

function secret(): string {
  return randomBytes(24).toString("base64url");
}
