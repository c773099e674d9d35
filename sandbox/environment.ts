import { delimiter, join } from "node:path";
import { repository } from "../tools/repository.ts";
import { kubeconfigFile } from "./cluster.ts";
import type { SandboxFolder, SandboxState } from "./sandbox-folder.ts";

/** Name of the Pulumi stack in the sandbox. */
export const stackName = "sandbox";

/** @returns the file with the stack's configuration; it is used instead of `Pulumi.<stack>.yaml` in the checkout */
export function stackConfigFile(folder: SandboxFolder): string {
  return folder.file(`Pulumi.${stackName}.yaml`);
}

/** @returns the URL of the GitLab emulator, without a trailing slash */
export function gitlabUrl(state: SandboxState): string {
  return `http://127.0.0.1:${state.ports["gitlab"] ?? 0}`;
}

/** @returns `host:port` of MinIO */
export function minioServer(state: SandboxState): string {
  return `127.0.0.1:${state.ports["minio"] ?? 0}`;
}

/** @returns the URL of MinIO */
export function minioUrl(state: SandboxState): string {
  return `${state.minioTls ? "https" : "http"}://${minioServer(state)}`;
}

/** @returns the file with the certificate of the HTTPS servers and of its CA */
export function authorityFile(folder: SandboxFolder): string {
  return folder.file("kubernetes", "certs", "apiserver.crt");
}

/**
 * The environment for commands against the sandbox: its tools are first on PATH, and pulumi, kubectl, helm and mc find
 * their servers and credentials. The user's variables for other servers are left out.
 */
export function sandboxEnvironment(folder: SandboxFolder, state: SandboxState): Record<string, string> {
  const foreign = /^(PULUMI_|GITLAB_|MINIO_|MC_|KUBE|HELM_|(HTTPS?|ALL)_PROXY$)/i;
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !foreign.test(entry[0]),
    ),
  );
  const { minioUser = "", minioPassword = "", gitlabToken = "", passphrase = "" } = state.secrets;
  return {
    ...inherited,
    PATH: [folder.file("bin"), join(repository, "node_modules", ".bin"), process.env["PATH"] ?? ""].join(delimiter),
    NODE_COMPILE_CACHE: folder.file("compile-cache"),
    PULUMI_HOME: folder.file("pulumi"),
    PULUMI_BACKEND_URL: `file://${folder.file("pulumi-state")}`,
    PULUMI_STACK: stackName,
    PULUMI_OPTION_CONFIG_FILE: stackConfigFile(folder),
    PULUMI_CONFIG_PASSPHRASE: passphrase,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // All plugins that the program needs are in PULUMI_HOME, real ones and stand-ins.
    PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    GITLAB_TOKEN: gitlabToken,
    MINIO_USER: minioUser,
    MINIO_PASSWORD: minioPassword,
    MC_CONFIG_DIR: folder.file("mc"),
    MC_HOST_minio: minioUrl(state).replace("://", `://${minioUser}:${minioPassword}@`),
    ...(state.minioTls ? { MINIO_CACERT_FILE: authorityFile(folder) } : {}),
    KUBECONFIG: kubeconfigFile(folder),
    HELM_CACHE_HOME: folder.file("helm", "cache"),
    HELM_CONFIG_HOME: folder.file("helm", "config"),
    HELM_DATA_HOME: folder.file("helm", "data"),
  };
}
