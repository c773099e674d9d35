import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseYaml } from "../components/parse-yaml.ts";
import { UserError } from "./user-error.ts";

/** A stack's configuration, as the engine hands it to the program. */
export interface StackConfiguration {
  /** Name of the stack. */
  readonly name: string;
  /** Name of the project, which the program's own keys start with. */
  readonly project: string;
  /** Values by key, such as `gitlab-runner:tags`; what is not text is JSON. */
  readonly config: Readonly<Record<string, string>>;
  /** Keys that are encrypted, or have something encrypted in them. */
  readonly secretKeys: readonly string[];
}

/** A stack's configuration, as its file has it. */
export interface StackFile extends StackConfiguration {
  /** Path of the file, from the project's folder. */
  readonly path: string;
  /** Whether it takes further values from Pulumi ESC, which only Pulumi can read. */
  readonly hasEnvironment: boolean;
}

/** What files show in place of a secret. */
export const secretMark = "[secret]";

/** Replaces an encrypted token; it has a valid format, since others are refused before anything is created. */
export const tokenPlaceholder = "glrt-not-decrypted-not-decrypted";

/** Folders, from the project's, that have stack files; the first that has one of the name wins. */
const folders = ["", "examples"];

/**
 * Reads `Pulumi.NAME.yaml` and the defaults of `Pulumi.yaml`. Nothing is decrypted: a placeholder stands for each `secure:`.
 * @param root the project's folder
 * @throws UserError when there is no such stack, or a file is not what Pulumi would take
 */
export function readStackFile(root: string, name: string): StackFile {
  const path = folders
    .map((folder) => join(folder, `Pulumi.${name}.yaml`))
    .find((file) => existsSync(join(root, file)));
  if (path === undefined || !/^[\w.-]+$/.test(name)) {
    throw new UserError(`There is no stack ${name}. Stack files: ${stackFiles(root).join(", ")}.`);
  }
  const project = readYaml(root, "Pulumi.yaml");
  const stack = readYaml(root, path);
  const projectName = String(project["name"]);
  const namespaced = (key: string) => (key.includes(":") ? key : `${projectName}:${key}`);

  const defaults = Object.entries(object(project["config"], "Pulumi.yaml")).map(([key, declared]) => [
    namespaced(key),
    (declared as { default?: unknown } | null)?.default,
  ]);
  const given = Object.entries(object(stack["config"], path)).map(([key, value]) => [namespaced(key), value] as const);
  const values = { ...(Object.fromEntries(defaults) as Record<string, unknown>), ...Object.fromEntries(given) };
  return {
    name,
    path,
    project: projectName,
    config: Object.fromEntries(
      Object.entries(values)
        .filter(([, value]) => value !== undefined)
        .map(([key, value]) => [key, textOf(withoutSecrets(value, placeholder(key, projectName)))]),
    ),
    secretKeys: given.filter(([, value]) => hasSecret(value)).map(([key]) => key),
    hasEnvironment: stack["environment"] !== undefined,
  };
}

function stackFiles(root: string): string[] {
  return folders.flatMap((folder) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder))
          .filter((file) => /^Pulumi\..+\.yaml$/.test(file))
          .toSorted()
          .map((file) => join(folder, file))
      : [],
  );
}

function readYaml(root: string, file: string): Record<string, unknown> {
  const text = readFileSync(join(root, file), "utf8");
  try {
    return object(parseYaml(text, file), file);
  } catch (error) {
    throw new UserError((error as Error).message);
  }
}

function object(value: unknown, file: string): Record<string, unknown> {
  if (value === null || value === undefined) {
    return {};
  }
  if (typeof value !== "object" || Array.isArray(value)) {
    throw new UserError(
      `${file} must have keys with values, and so must its config, such as gitlab-runner:projectId: 1`,
    );
  }
  return value as Record<string, unknown>;
}

/** Pulumi's way to write an encrypted value; see https://www.pulumi.com/docs/iac/concepts/secrets/ */
function isSecret(value: object): boolean {
  return "secure" in value && Object.keys(value).length === 1;
}

function hasSecret(value: unknown): boolean {
  return typeof value === "object" && value !== null && (isSecret(value) || Object.values(value).some(hasSecret));
}

function withoutSecrets(value: unknown, placeholder: string): unknown {
  if (typeof value !== "object" || value === null) {
    return value;
  }
  if (isSecret(value)) {
    return placeholder;
  }
  return Array.isArray(value)
    ? value.map((item) => withoutSecrets(item, placeholder))
    : Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutSecrets(item, placeholder)]));
}

function placeholder(key: string, project: string): string {
  return key === `${project}:runnerToken` ? tokenPlaceholder : secretMark;
}

/** Pulumi passes on a key without a value as empty text. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : value === null ? "" : JSON.stringify(value);
}
