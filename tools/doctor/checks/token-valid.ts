import { ok, problem, type Check } from "../check.ts";
import { restoreObjects, rotate } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import { putBack } from "../fixes/put-back.ts";
import { renew } from "../fixes/renew.ts";

/** GitLab accepts the manager's token. */
export const tokenValid: Check<DoctorContext> = {
  id: "token",
  title: "GitLab accepts the runner's token in the Secret",
  needs: ["gitlab", "namespaces"],
  run: async ({ runnerToken, verification, outputs, expected, stack, state }) => {
    const secret = `The Secret ${outputs.tokenSecret} in namespace ${outputs.namespace}`;
    const todo = restoreObjects(stack);
    const token = await runnerToken();
    if (token === undefined) {
      return problem(`${secret} does not exist, or has no key runner-token.`, todo, putBack(stack));
    }
    if (token !== token.trim() || token === "") {
      return problem(
        token === ""
          ? `${secret} has an empty runner-token.`
          : `${secret} has a runner-token with leading or trailing whitespace.`,
        todo,
        putBack(stack),
      );
    }
    const answer = await verification();
    if (answer?.valid !== true) {
      return problem(
        `GitLab does not know the token: it was reset, has expired, or its runner was deleted. (${secret})`,
        expected.runner === undefined
          ? `Set the runner's current token:\npulumi config set --secret runnerToken --stack ${stack}\n${restoreObjects(stack)}`
          : `If only the Secret was changed: ${todo}\nOtherwise replace the runner and its token:\n${rotate(stack)}`,
        putBack(stack),
        renew(stack, state, "runner"),
      );
    }
    return outputs.runnerId !== undefined && answer.runnerId !== outputs.runnerId
      ? problem(
          `${secret} has the token of runner #${answer.runnerId}; the stack's is #${outputs.runnerId}.`,
          todo,
          putBack(stack),
        )
      : ok(outputs.tokenSecret);
  },
};
