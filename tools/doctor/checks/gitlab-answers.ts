import { ok, problem, type Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { describeError } from "../../clients/describe-error.ts";

const fix = "Check the address: pulumi config get gitlab:baseUrl    (or GITLAB_BASE_URL; if neither is set, gitlabUrl)";

/** GitLab's API responds. */
export const gitlabAnswers: Check<DoctorContext> = {
  id: "gitlab",
  title: "GitLab answers",
  run: async ({ gitlab }) => {
    let status: number;
    try {
      status = await gitlab.status();
    } catch (error) {
      return problem(`${gitlab.baseUrl}: ${describeError(error)}`, fix);
    }
    // Without a token, or with a token of other scopes, it responds with 401 or 403.
    return [200, 401, 403].includes(status)
      ? ok(gitlab.baseUrl)
      : problem(`${gitlab.baseUrl} responds with HTTP ${status}, which GitLab's API does not do.`, fix);
  },
};
