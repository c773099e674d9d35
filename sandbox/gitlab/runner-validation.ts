import type { Runner } from "./model.ts";

/** The attributes that GitLab's model validates. */
export type Validated = Pick<Runner, "description" | "maintenanceNote" | "tags" | "runUntagged" | "maximumTimeout">;

const tagLimit = 50;

/**
 * Violations of the rules for a runner's attributes, as messages by attribute; empty if there are none.
 * Rules: x-rules on validation in tests/fixtures/gitlab-runners-api.json.
 */
export function validateRunner(runner: Validated): Record<string, string[]> {
  const problems: Record<string, string[]> = {};
  if ((runner.description?.length ?? 0) > 1024) {
    problems.description = ["is too long (maximum is 1024 characters)"];
  }
  if ((runner.maintenanceNote?.length ?? 0) > 1024) {
    problems.maintenance_note = ["is too long (maximum is 1024 characters)"];
  }
  if (runner.maximumTimeout !== null && runner.maximumTimeout < 600) {
    problems.maximum_timeout = ["needs to be at least 10 minutes"];
  }
  if (runner.tags.length === 0 && !runner.runUntagged) {
    problems.tags_list = ["can not be empty when runner is not allowed to pick untagged jobs"];
  } else if (runner.tags.length > tagLimit) {
    problems.tags_list = [`Too many tags specified. Please limit the number of tags to ${tagLimit}`];
  }
  return problems;
}

/** The messages as one sentence, as in responses of `POST /user/runners`. */
export function toSentence(problems: Readonly<Record<string, readonly string[]>>): string {
  const sentences = Object.entries(problems).flatMap(([attribute, messages]) => {
    const name = attribute.replaceAll("_", " ");
    return messages.map((message) => `${name.charAt(0).toUpperCase()}${name.slice(1)} ${message}`);
  });
  const last = sentences.pop() ?? "";
  if (sentences.length === 0) {
    return last;
  }
  return `${sentences.join(", ")}${sentences.length > 1 ? "," : ""} and ${last}`;
}
