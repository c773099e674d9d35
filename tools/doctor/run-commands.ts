import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { repository } from "../repository.ts";
import type { KubernetesApi } from "./kubernetes-api.ts";

/** How a command ended. */
export interface CommandEnd {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Command-line programs, run for one stack. */
export interface Commands {
  /** Runs Pulumi and shows nothing; whatever its exit code, its output is returned as it is, with the secrets in it. */
  readonly askPulumi: (args: readonly string[], input?: string) => Promise<CommandEnd>;
  /** Runs Pulumi and shows what it prints. @throws Error when it fails */
  readonly pulumi: (args: readonly string[]) => Promise<void>;
  /** Runs Helm on the stack's cluster, and shows what it prints. @throws Error when it fails */
  readonly helm: (args: readonly string[]) => Promise<void>;
}

/** What {@link commandsFor} needs. */
export interface CommandsInput {
  readonly stack: string;
  readonly kubernetes: () => KubernetesApi;
  /** Takes the secrets out of a text. */
  readonly mask: (text: string) => string;
  readonly say: (text: string) => void;
}

/** Lines of Pulumi about a resource that it only looks at, and those that say that it still works. */
const unchanged = /^( ~ {2}\S+ \S+ refresh(ing)? \(.*| {4}\S+:\S+ \S+ *(running)? *|@ .*)$/;

/** @returns the programs that repairs are made with, for a stack and its cluster */
export function commandsFor({ stack, kubernetes, mask, say }: CommandsInput): Commands {
  const pulumiOptions = { cwd: repository, env: { PULUMI_SKIP_UPDATE_CHECK: "true" }, reject: false } as const;
  const show = async (program: string, args: readonly string[], env: Readonly<Record<string, string>>) => {
    say(mask(`  $ ${[program, ...args].join(" ")}`));
    const running = execa(program, args, { cwd: repository, env, reject: false, all: true, stdin: "ignore" });
    for await (const line of running.iterable({ from: "all" })) {
      if (line.trim() !== "" && !unchanged.test(line)) {
        say(mask(`  ${line}`).trimEnd());
      }
    }
    const { exitCode, code } = await running;
    if (exitCode !== 0) {
      const end = code === "ENOENT" ? "is not installed" : `ended with ${exitCode ?? "a signal"}`;
      throw new Error(`${program} ${args.slice(0, 2).join(" ")} ${end}`);
    }
  };
  return {
    askPulumi: async (args, input) => {
      const { exitCode, stdout, stderr } = await execa(
        "pulumi",
        [...args, "--stack", stack, "--non-interactive"],
        input === undefined ? { ...pulumiOptions, stdin: "ignore" } : { ...pulumiOptions, input },
      );
      return { exitCode: exitCode ?? 1, stdout, stderr };
    },
    pulumi: (args) =>
      show("pulumi", [...args, "--stack", stack, "--non-interactive"], {
        ...pulumiOptions.env,
        PULUMI_K8S_ENABLE_PATCH_FORCE: "true",
      }),
    helm: async (args) => {
      // Its own file, since the provider may have been given a kubeconfig as text.
      const folder = mkdtempSync(join(tmpdir(), "gitlab-runner-doctor-"));
      const file = join(folder, "kubeconfig");
      try {
        writeFileSync(file, kubernetes().kubeconfig, { mode: 0o600 });
        await show("helm", args, { KUBECONFIG: file });
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}
