import { ok, problem, skipped, warning, type Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { describeError, httpStatus } from "../../clients/describe-error.ts";
import { dayLength } from "../times.ts";

/** How many days before its expiry the user's own token causes a warning. */
const soon = 14;

const fix =
  "Create one with the scope api (without --fix, read_api is enough), then:\n" +
  "pulumi config set --secret gitlab:token    (or GITLAB_TOKEN)";

/** The doctor's user has a token that GitLab accepts. */
export const gitlabToken: Check<DoctorContext> = {
  id: "gitlab-token",
  title: "GitLab accepts your access token",
  needs: ["gitlab"],
  run: async ({ gitlab, expected, now }) => {
    if (!gitlab.hasToken) {
      const found = "Neither gitlab:token nor GITLAB_TOKEN is set.";
      // A stack with an existing runner does not need one.
      return expected.runner === undefined ? skipped(found, fix) : problem(found, fix);
    }
    try {
      const expiry = await gitlab.ownTokenExpiry();
      const day = expiry?.toISOString().slice(0, 10) ?? "";
      if (expiry !== undefined && expiry.getTime() - now().getTime() < soon * dayLength) {
        return warning(`It expires on ${day}.`, fix);
      }
      return ok(expiry === undefined ? "does not expire" : `until ${day}`);
    } catch (error) {
      if (httpStatus(error) === 401) {
        return problem(`GitLab rejects it: ${describeError(error)}.`, fix);
      }
      throw error;
    }
  },
};
