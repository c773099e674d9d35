import { readFile } from "node:fs/promises";
import type { MountedPod } from "./mounted-pod.ts";

/** Paths in the manager's container, as GitLab's chart mounts them. */
export const containerPaths = {
  config: "/configmaps/config.toml",
  template: "/configmaps/config.template.toml",
  secrets: "/secrets",
  home: "/home/gitlab-runner/.gitlab-runner",
  accountToken: "/var/run/secrets/kubernetes.io/serviceaccount/token",
} as const;

/** The files and the environment that a manager starts with. */
export interface RegistrationInput {
  /** `config.toml`: the manager's keys. */
  readonly config: string;
  /** `config.template.toml`: exactly one `[[runners]]`. */
  readonly template: string;
  /** The manager container's environment; `CI_SERVER_TOKEN`, `CACHE_S3_*` and the like are read from it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Name if the environment has no `RUNNER_NAME`: the hostname, which is the pod's name. */
  readonly hostname: string;
}

/** The input of the manager's entry script: its files, and its environment with the Secrets' values. */
export async function registrationInput(mounted: MountedPod): Promise<RegistrationInput> {
  const text = (path: string) => readFile(mounted.path(path), "utf8");
  const secret = (name: string) => text(`${containerPaths.secrets}/${name}`).catch(() => undefined);
  const [token, accessKey, secretKey] = await Promise.all(["runner-token", "accesskey", "secretkey"].map(secret));
  const environment: Record<string, string> = { ...mounted.environment };
  if (token !== undefined) {
    environment.CI_SERVER_TOKEN = token;
  }
  if (accessKey !== undefined && secretKey !== undefined) {
    environment.CACHE_S3_ACCESS_KEY = accessKey;
    environment.CACHE_S3_SECRET_KEY = secretKey;
  }
  return {
    config: await text(containerPaths.config),
    template: await text(containerPaths.template),
    environment,
    hostname: mounted.pod.metadata?.name ?? "gitlab-runner",
  };
}
