import { parseAllDocuments } from "yaml";
import { asText, isRecord } from "../property-values.ts";

/**
 * @param manifest all objects of a release as YAML
 * @returns their names by kind and version, as the real provider writes them: `Deployment.apps/apps/v1: ["default/web"]`
 */
export function resourceNames(manifest: string): Readonly<Record<string, readonly string[]>> {
  const names = new Map<string, Set<string>>();
  for (const document of parseAllDocuments(manifest)) {
    const object = document.toJS() as unknown;
    if (!isRecord(object) || !isRecord(object.metadata)) {
      continue;
    }
    const { name, namespace } = object.metadata;
    const apiVersion = String(object.apiVersion);
    const group = apiVersion.includes("/") ? `.${apiVersion.slice(0, apiVersion.indexOf("/"))}` : "";
    const key = `${String(object.kind)}${group}/${apiVersion}`;
    const fullName = [asText(namespace), asText(name)].filter((part) => part !== undefined).join("/");
    names.set(key, (names.get(key) ?? new Set()).add(fullName));
  }
  return Object.fromEntries([...names].map(([key, found]) => [key, [...found].sort()]));
}
