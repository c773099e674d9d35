import type { Commands } from "../run-commands.ts";
import type { GitLabApi } from "../../clients/gitlab.ts";
import type { KubernetesApi } from "../../clients/kubernetes.ts";

/** The order of fixes: each stage relies on those before it. */
export const stages = ["release", "state", "gitlab", "left-behind", "deploy"] as const;

/** What fixes work with. */
export interface FixTools {
  /** Name of the stack. */
  readonly stack: string;
  readonly gitlab: GitLabApi;
  /** @throws Error when the kubeconfig has no such context */
  readonly kubernetes: () => KubernetesApi;
  /** Runs command-line programs, and shows what they print. */
  readonly commands: Commands;
  /** Prints a message without secrets. */
  readonly say: (text: string) => void;
}

/** A fix for a finding. */
export interface Fix {
  /** Identifies the fix: one with the same id is done once, even if several findings need it. */
  readonly id: string;
  readonly stage: (typeof stages)[number];
  /** What it will do: one sentence. */
  readonly title: string;
  /** Commands that do the same. */
  readonly commands: readonly string[];
  /** It certainly changes only what belongs to this stack; otherwise it always needs confirmation, even with `--yes`. */
  readonly certain: boolean;
  /** Only if no other fix for the finding helped. */
  readonly lastResort?: true;
  /** Whether `pulumi up --refresh` has to follow. */
  readonly thenDeploy?: true;
  /** @throws Error when it cannot be done */
  readonly run: (tools: FixTools) => Promise<void>;
}
