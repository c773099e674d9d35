import type { z } from "zod";
import { groups, runnerSettings } from "../../components/settings/runner.ts";
import { registrationSettings } from "../../components/settings/registration.ts";
import { containerResources, overwriteMaximum, resourceList } from "../../components/settings/resources.ts";
import { toleration } from "../../components/settings/tolerations.ts";
import { dnsConfig, hostAlias } from "../../components/settings/job-pods.ts";
import { podSpecPatch } from "../../components/settings/jobs.ts";
import { networkDestination } from "../../components/settings/namespace.ts";
import { declarationsIn, objectIn, typeName, type Declaration } from "./declarations.ts";

/** Types that several settings have, each with a table of its own. */
const types = [
  containerResources,
  overwriteMaximum,
  resourceList,
  toleration,
  podSpecPatch,
  hostAlias,
  dnsConfig,
  networkDestination,
];

/**
 * @param now the page, with a pair of comments around each table: `<!-- settings: jobs -->` and `<!-- end -->`
 * @returns the page with new tables
 */
export function configurationPage(now: string): string {
  return now.replaceAll(
    /(<!-- settings: (\w+) -->)[^]*?(<!-- end -->)/g,
    (_, start: string, name: string, end: string) => `${start}\n\n${tableOf(name)}\n\n${end}`,
  );
}

function tableOf(name: string): string {
  if (name === "stack") {
    const own = declarationsIn(runnerSettings).flatMap((declaration) =>
      declaration.key === "registration" ? declarationsIn(registrationSettings) : [declaration],
    );
    return table(own, (key) => (key in groups ? `[\`${key}\`](#${key.toLowerCase()})` : `\`${key}\``));
  }
  if (name === "types") {
    return types
      .map(
        (type) =>
          `### \`${typeName(type) ?? ""}\`\n\n${type.meta()?.description ?? ""}\n\n${table(declarationsIn(type))}`,
      )
      .join("\n\n");
  }
  const group = (groups as Readonly<Record<string, z.ZodType>>)[name];
  if (group === undefined) {
    throw new Error(`docs/configuration.md asks for the settings of ${name}, which do not exist`);
  }
  return table(declarationsIn(group).flatMap(withInnerKeys));
}

/** @returns the setting, and those in it where it is an object that has no table of its own */
function withInnerKeys(declaration: Declaration): Declaration[] {
  const object = objectIn(declaration.schema);
  return object === undefined || typeName(declaration.schema) !== undefined || declaration.type !== object
    ? [declaration]
    : [declaration, ...declarationsIn(object).map((inner) => ({ ...inner, key: `${declaration.key}.${inner.key}` }))];
}

function table(declarations: readonly Declaration[], link = (key: string) => `\`${key}\``): string {
  const rows = declarations.map(({ key, unset = "", description, source, schema }) => {
    const name = typeName(schema);
    const type = name === undefined ? "" : ` ([\`${name}\`](#${name.toLowerCase()}))`;
    const more = source === undefined ? "" : ` [More](${source})`;
    return `| ${link(key)} | ${unset} | ${description}${type}${more} |`;
  });
  return ["| key | default | meaning |", "| --- | --- | --- |", ...rows].join("\n");
}
