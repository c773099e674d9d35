import { ok, problem, skipped, warning, type Check } from "../check.ts";
import { restore } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import type { ExpectedRunner } from "../expected-stack.ts";
import type { GitLabRunner } from "../../clients/gitlab.ts";
import { putBack } from "../fixes/put-back.ts";

/** The runner's other settings in GitLab are as configured; settings that are not configured are ignored. */
export const runnerSettings: Check<DoctorContext> = {
  id: "runner-settings",
  title: "The runner's other settings are as configured",
  needs: ["runner"],
  run: async ({ runner, expected, stack }) => {
    const found = await runner();
    if (expected.runner === undefined || found === undefined) {
      return skipped("This stack does not manage the runner; its settings are set in GitLab.");
    }
    const differences = settingDifferences(found, expected.runner);
    if (differences.length === 0) {
      return ok(`${found.runner_type}, ${found.run_untagged ? "also untagged jobs" : "tagged jobs only"}`);
    }
    const lines = differences.map(({ key, is, wanted }) => `${key}: ${is} in GitLab, ${wanted} in the configuration`);
    return (differences.every(({ cosmetic }) => cosmetic) ? warning : problem)(
      lines.join("\n"),
      restore(stack),
      putBack(stack),
    );
  },
};

/** A setting that is not as configured. */
export interface SettingDifference {
  /** As the stack's configuration calls it. */
  readonly key: string;
  readonly is: string;
  readonly wanted: string;
  /** Changes nothing about which jobs run. */
  readonly cosmetic: boolean;
}

/** @returns what differs between the runner in GitLab and the one that is configured, without tags and pause */
export function settingDifferences(found: GitLabRunner, wanted: ExpectedRunner): SettingDifference[] {
  const projects = found.projects?.map(({ id }) => id) ?? [];
  const groups = found.groups?.map(({ id }) => id) ?? [];
  const owner = (ids: readonly number[], id: number | undefined) =>
    id === undefined || ids.includes(id) ? id : ids[0];
  const rows: (readonly [string, unknown, unknown, boolean?])[] = [
    ["runnerType", found.runner_type, wanted.runnerType],
    ["projectId", owner(projects, wanted.projectId), wanted.projectId],
    ["groupId", owner(groups, wanted.groupId), wanted.groupId],
    ["runUntagged", found.run_untagged, wanted.untagged],
    ["locked", found.locked, wanted.locked],
    ["protectedOnly", found.access_level === "ref_protected", wanted.accessLevel === "ref_protected"],
    ["maximumTimeout", wanted.maximumTimeout && found.maximum_timeout, wanted.maximumTimeout],
    ["description", wanted.description === undefined ? undefined : found.description, wanted.description, true],
    [
      "maintenanceNote",
      wanted.maintenanceNote === undefined ? undefined : found.maintenance_note,
      wanted.maintenanceNote,
      true,
    ],
  ];
  return rows
    .filter(([, is, want]) => is !== want)
    .map(([key, is, want, cosmetic = false]) => ({ key, is: show(is), wanted: show(want), cosmetic }));
}

function show(value: unknown): string {
  return value === undefined || value === null ? "nothing" : JSON.stringify(value);
}
