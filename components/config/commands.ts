/** Where a value is: `["jobs", "tolerations", 0]`. */
export type Path = readonly (string | number)[];

/** @returns a path as people and `pulumi config --path` write it: `jobs.nodeSelector["kubernetes.io/arch"]`, `tags[0]` */
export function dotted(path: Path): string {
  return path
    .map((part, index) =>
      typeof part === "number"
        ? `[${part}]`
        : /^[\w-]+$/.test(part)
          ? `${index === 0 ? "" : "."}${part}`
          : `["${part.replaceAll('"', '\\"')}"]`,
    )
    .join("");
}

/** @returns a command that takes the value at a path out of the configuration */
export function removeCommand(path: Path): string {
  return `pulumi config rm ${pathArgument(path)}`;
}

/** @returns a command that asks for a secret, which then is text even if it looks like a number where `isText` */
export function askCommand(path: Path, isText = false): string {
  return `pulumi config set --secret ${isText ? "--type string " : ""}${pathArgument(path)}    (asks for it)`;
}

/** @returns a command that sets the value at a path, to text even if it looks like a number where `isText` */
export function setCommand(path: Path, value: string, isText = false): string {
  // Else Pulumi refuses names of Secrets, which it takes for secrets.
  const plaintext = path.some((part) => /secrets?$/i.test(String(part))) ? "--plaintext " : "";
  const type = isText ? "--type string " : "";
  const dashes = value.startsWith("-") ? "-- " : "";
  return `pulumi config set ${plaintext}${type}${pathArgument(path)} ${dashes}${shellQuote(value)}`;
}

/** A path as `pulumi config` takes it; see https://www.pulumi.com/docs/iac/concepts/config/#structured-configuration */
function pathArgument(path: Path): string {
  return path.length === 1 ? shellQuote(String(path[0])) : `--path ${shellQuote(dotted(path))}`;
}

function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
