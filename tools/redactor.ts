import { readFileSync, statSync } from "node:fs";
import { unescape } from "node:querystring";
import { Masker } from "./doctor/masker.ts";

/** Names of variables, and of keys in files, whose values are secrets. GitLab does not tell a job which ones it masks. */
const secretName = /token|passw|passphrase|secret|credential|kubeconfig|jwt|(^|[_-])key([_-]|$)/i;

/**
 * @param environment of a job: its secrets are the values of variables with such a name, what such keys have in a variable of
 *   type File, and the passwords in URLs
 * @returns what replaces them in a text, and whatever looks like a secret, with `[secret]`
 */
export function redactor(environment: Readonly<Record<string, string | undefined>>): (text: string) => string {
  const masker = new Masker();
  for (const [name, value = ""] of Object.entries(environment)) {
    const password = URL.parse(value)?.password ?? "";
    masker.add(password, unescape(password));
    if (secretName.test(name)) {
      masker.add(...secretsIn(fileOf(value) ?? value));
    }
  }
  return (text) => masker.mask(text);
}

/** The text itself, or the secrets in one of several lines, such as a kubeconfig. */
function secretsIn(text: string): string[] {
  const entries = text.matchAll(/^[ \t"'-]*([\w-]+)["']? *[:=] *["']?([^\s"',]+)/gm);
  const values = Array.from(entries, ([, key = "", value = ""]) => (secretName.test(key) ? value : ""));
  return text.trim().includes("\n") ? values : [text];
}

/** What is in the file, for a variable of type File, whose value is its path. */
function fileOf(path: string): string | undefined {
  const isFile = path.startsWith("/") && statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  return isFile ? readFileSync(path, "utf8") : undefined;
}
