import { ok, problem, type Check } from "../check.ts";
import { restoreObjects, rotate } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import { putBack } from "../fixes/put-back.ts";
import { renew } from "../fixes/renew.ts";

/** GitLab takes the token that the manager has. */
export const tokenValid: Check<DoctorContext> = {
  id: "token",
  title: "GitLab takes the runner's token in the Secret",
  needs: ["gitlab", "namespaces"],
  run: async ({ runnerToken, verification, outputs, expected, stack, state }) => {
    const secret = `The Secret ${outputs.tokenSecret} in namespace ${outputs.namespace}`;
    const mend = restoreObjects(stack);
    const token = await runnerToken();
    if (token === undefined) {
      return problem(`${secret} is not there, or has no key runner-token.`, mend, putBack(stack));
    }
    if (token !== token.trim() || token === "") {
      return problem(
        token === ""
          ? `${secret} has an empty runner-token.`
          : `${secret} has a runner-token with a space or newline at an end.`,
        mend,
        putBack(stack),
      );
    }
    const answer = await verification();
    if (answer?.valid !== true) {
      return problem(
        `GitLab does not know the token: it was reset, has expired, or its runner was deleted. (${secret})`,
        expected.runner === undefined
          ? `Set the runner's present token:\npulumi config set --secret runnerToken --stack ${stack}\n${restoreObjects(stack)}`
          : `Where only the Secret was changed: ${mend}\nElse replace the runner, and its token with it:\n${rotate(stack)}`,
        putBack(stack),
        renew(stack, state, "runner"),
      );
    }
    return outputs.runnerId !== undefined && answer.runnerId !== outputs.runnerId
      ? problem(
          `${secret} has the token of runner #${answer.runnerId}; the stack's is #${outputs.runnerId}.`,
          mend,
          putBack(stack),
        )
      : ok(outputs.tokenSecret);
  },
};
