import { ok, problem, skipped, warning, type Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { describeError, httpStatus } from "../../clients/describe-error.ts";
import { dayLength } from "../times.ts";

/** Days before its end from which on a token of the user's own is worth a word. */
const soon = 14;

const fix =
  "Make one with the scope api (to look, read_api is enough), then:\n" +
  "pulumi config set --secret gitlab:token    (or GITLAB_TOKEN)";

/** Whoever runs the doctor has a token that GitLab takes. */
export const gitlabToken: Check<DoctorContext> = {
  id: "gitlab-token",
  title: "GitLab takes your access token",
  needs: ["gitlab"],
  run: async ({ gitlab, expected, now }) => {
    if (!gitlab.hasToken) {
      const found = "There is neither gitlab:token nor GITLAB_TOKEN.";
      // A stack that uses a runner that exists needs none itself.
      return expected.runner === undefined ? skipped(found, fix) : problem(found, fix);
    }
    try {
      const expiry = await gitlab.ownTokenExpiry();
      const day = expiry?.toISOString().slice(0, 10) ?? "";
      if (expiry !== undefined && expiry.getTime() - now().getTime() < soon * dayLength) {
        return warning(`It ends on ${day}.`, fix);
      }
      return ok(expiry === undefined ? "without an end" : `until ${day}`);
    } catch (error) {
      if (httpStatus(error) === 401) {
        return problem(`GitLab refuses it: ${describeError(error)}.`, fix);
      }
      throw error;
    }
  },
};
