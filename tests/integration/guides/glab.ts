/**
 * GitLab's `glab`, as far as the guides use it: `glab api [-X METHOD] PATH [-f NAME=VALUE]...`
 * Source: https://docs.gitlab.com/cli/api/
 */
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { method: { type: "string", short: "X" }, "raw-field": { type: "string", short: "f", multiple: true } },
});
const [command, path] = positionals;
const { GLAB_URL: url = "", GLAB_TOKEN: token = "" } = process.env;
if (command !== "api" || path === undefined || positionals.length > 2) {
  console.error(`no stand-in for: glab ${process.argv.slice(2).join(" ")}`);
  process.exit(64);
}
const fields = values["raw-field"]?.join("&");
const answer = await fetch(`${url}/api/v4/${path}`, {
  method: values.method ?? (fields === undefined ? "GET" : "POST"),
  headers: { "PRIVATE-TOKEN": token },
  ...(fields === undefined ? {} : { body: new URLSearchParams(fields) }),
});
console.log(await answer.text());
if (!answer.ok) {
  console.error(`glab: ${answer.status} ${answer.statusText} (HTTP ${answer.status})`);
  process.exitCode = 1;
}
