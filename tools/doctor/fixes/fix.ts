import type { Commands } from "../run-commands.ts";
import type { GitLabApi } from "../../clients/gitlab.ts";
import type { KubernetesApi } from "../../clients/kubernetes.ts";

/** In which order fixes are done: each stage takes for granted what those before it have cleared away. */
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
  /** Tells the user something, without secrets. */
  readonly say: (text: string) => void;
}

/** A way back from a finding. */
export interface Fix {
  /** Tells it from others: a fix of one id is done once, however many findings ask for it. */
  readonly id: string;
  readonly stage: (typeof stages)[number];
  /** What it will do: one sentence. */
  readonly title: string;
  /** What someone would type to do the same, one command each. */
  readonly commands: readonly string[];
  /** What it changes is this stack's, beyond doubt; else it is asked for by itself, and never done by `--yes` alone. */
  readonly certain: boolean;
  /** Only where all else that could be done about the finding did not help. */
  readonly lastResort?: true;
  /** Whether `pulumi up --refresh` has to follow. */
  readonly thenDeploy?: true;
  /** @throws Error when it cannot be done */
  readonly run: (tools: FixTools) => Promise<void>;
}
