import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { RunRequest } from "@pulumi/pulumi/proto/language_pb.js";
import { fromStruct } from "../property-values.ts";

/** Exit code of the SDK's runner if it has already reported the error to the user. */
const alreadyReportedExitCode = 32;

/** How a program ended. */
export interface ProgramOutcome {
  /** Empty if it succeeded or has reported its error itself. */
  readonly error: string;
  /** It failed, and has reported its error itself. */
  readonly bail: boolean;
}

/** Starts Pulumi programs with the runner of their own SDK. */
export class ProgramRunner {
  readonly #engineAddress: string;
  #child: ChildProcess | undefined;

  constructor(engineAddress: string) {
    this.#engineAddress = engineAddress;
  }

  /** Ends the running program, if any. */
  stop(): void {
    this.#child?.kill("SIGTERM");
  }

  /** Runs a program until it ends. Its output goes to this process's output, which the engine shows. */
  async run(request: RunRequest): Promise<ProgramOutcome> {
    const directory = request.getInfo()?.getProgramDirectory() ?? request.getPwd();
    let runner: string;
    try {
      runner = createRequire(join(directory, "_")).resolve("@pulumi/pulumi/cmd/run");
    } catch {
      return { error: `@pulumi/pulumi is not installed in ${directory}: run npm install there`, bail: false };
    }
    const options = fromStruct(request.getInfo()?.getOptions());
    const nodeArguments = typeof options.nodeargs === "string" ? options.nodeargs.split(/\s+/).filter(Boolean) : [];

    const child = spawn(
      process.execPath,
      [...nodeArguments, runner, ...runnerArguments(request, this.#engineAddress)],
      {
        cwd: directory,
        stdio: ["ignore", "inherit", "inherit"],
        env: {
          ...process.env,
          // In the environment, since other processes could read secrets in arguments.
          PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().toObject(true))),
          PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
          ...(options.typescript === false ? {} : { PULUMI_NODEJS_TYPESCRIPT: "true" }),
        },
      },
    );
    this.#child = child;
    try {
      return await outcomeOf(child);
    } finally {
      this.#child = undefined;
    }
  }
}

function runnerArguments(request: RunRequest, engineAddress: string): string[] {
  const flags = {
    monitor: request.getMonitorAddress(),
    engine: engineAddress,
    organization: request.getOrganization(),
    project: request.getProject(),
    "root-directory": request.getInfo()?.getRootDirectory() ?? "",
    stack: request.getStack(),
    pwd: request.getPwd(),
    parallel: String(request.getParallel()),
  };
  return [
    ...Object.entries(flags).flatMap(([name, value]) => (value === "" ? [] : [`--${name}`, value])),
    ...(request.getDryrun() ? ["--dry-run"] : []),
    request.getInfo()?.getEntryPoint() || request.getProgram() || ".",
    ...request.getArgsList(),
  ];
}

function outcomeOf(child: ChildProcess): Promise<ProgramOutcome> {
  return new Promise((resolve) => {
    child.once("error", (error) => {
      resolve({ error: `the program could not be started: ${error.message}`, bail: false });
    });
    child.once("exit", (code, signal) => {
      if (code === 0) {
        resolve({ error: "", bail: false });
      } else if (code === alreadyReportedExitCode) {
        resolve({ error: "", bail: true });
      } else {
        resolve({ error: `Program exited with ${signal ?? `non-zero exit code: ${code ?? "none"}`}`, bail: false });
      }
    });
  });
}
