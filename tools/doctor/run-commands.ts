import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PulumiCli } from "../pulumi-cli.ts";
import { runCommand, type CommandEnd } from "../run-command.ts";
import type { KubernetesApi } from "../clients/kubernetes.ts";

/** Command-line programs, run for one stack. */
export interface Commands {
  /** Runs Pulumi and shows nothing; whatever its exit code, its output is returned as it is, with the secrets in it. */
  readonly askPulumi: (args: readonly string[], input?: string) => Promise<CommandEnd>;
  /** Runs Pulumi and shows what it prints. @throws Error when it fails */
  readonly pulumi: (args: readonly string[]) => Promise<void>;
  /** Runs Helm on the stack's cluster, and shows what it prints. @throws Error when it fails */
  readonly helm: (args: readonly string[]) => Promise<void>;
}

/** Inputs of {@link commandsFor}. */
export interface CommandsInput {
  readonly stack: string;
  readonly kubernetes: () => KubernetesApi;
  /** Masks the secrets in a text. */
  readonly mask: (text: string) => string;
  readonly say: (text: string) => void;
}

/** Pulumi's lines about resources that it only refreshes, and about its progress. */
const unchanged = /^( ~ {2}\S+ \S+ refresh(ing)? \(.*| {4}\S+:\S+ \S+ *(running)? *|@ .*)$/;

/** @returns the programs that fixes use, for a stack and its cluster */
export function commandsFor({ stack, kubernetes, mask, say }: CommandsInput): Commands {
  const pulumi = new PulumiCli({ stack });
  // The Kubernetes provider's way to take over fields that somebody has changed by hand.
  const forcing = new PulumiCli({ stack, environment: { ...process.env, PULUMI_K8S_ENABLE_PATCH_FORCE: "true" } });
  const show = async (command: readonly string[], run: (onLine: (line: string) => void) => Promise<CommandEnd>) => {
    say(mask(`  $ ${command.join(" ")}`));
    const { exitCode, isMissing } = await run((line) => {
      if (line.trim() !== "" && !unchanged.test(line)) {
        say(mask(`  ${line}`).trimEnd());
      }
    });
    if (exitCode !== 0) {
      const end = isMissing ? "is not installed" : `ended with ${exitCode ?? "a signal"}`;
      throw new Error(`${command.slice(0, 3).join(" ")} ${end}`);
    }
  };
  return {
    askPulumi: (args, input) => pulumi.run(args, { input }),
    pulumi: (args) =>
      show(["pulumi", ...args, "--stack", stack, "--non-interactive"], (onLine) => forcing.run(args, { onLine })),
    helm: async (args) => {
      // Its own file, since the provider may have been given a kubeconfig as text.
      const folder = mkdtempSync(join(tmpdir(), "gitlab-runner-doctor-"));
      const file = join(folder, "kubeconfig");
      try {
        writeFileSync(file, kubernetes().kubeconfig, { mode: 0o600 });
        const environment = { ...process.env, KUBECONFIG: file };
        await show(["helm", ...args], (onLine) => runCommand("helm", args, { environment, onLine }));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}
