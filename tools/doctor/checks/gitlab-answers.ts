import { ok, problem, type Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { describeError } from "../../clients/describe-error.ts";

const fix = "Check the address: pulumi config get gitlab:baseUrl    (or GITLAB_BASE_URL; without both, gitlabUrl)";

/** GitLab's API is there. */
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
    // Without a token, or with one of few scopes, it says so.
    return [200, 401, 403].includes(status)
      ? ok(gitlab.baseUrl)
      : problem(`${gitlab.baseUrl} answers with HTTP ${status}, which is not what GitLab's API says.`, fix);
  },
};
