import { ok, problem, warning, type Check } from "../check.ts";
import { rotate } from "../commands.ts";
import type { DoctorContext } from "../context.ts";
import { dayLength, moment } from "../times.ts";
import { renew } from "../fixes/renew.ts";

/** How many days before its expiry the token causes a warning, and a problem. */
const days = { warning: 7, problem: 2 };

/** The runner's token does not expire soon. The runner is configured not to rotate it: it would not update the Secret. */
export const tokenExpiry: Check<DoctorContext> = {
  id: "token-expiry",
  title: "The runner's token does not expire soon",
  needs: ["token"],
  run: async ({ verification, expected, stack, state, now }) => {
    const answer = await verification();
    const expiry = answer?.valid === true ? answer.expiresAt : undefined;
    if (expiry === undefined) {
      return ok("it does not expire");
    }
    const left = expiry.getTime() - now().getTime();
    const found = `It expires at ${moment(expiry, now())}.`;
    const todo =
      expected.runner === undefined
        ? `Create a new one in GitLab, then:\npulumi config set --secret runnerToken --stack ${stack}\npulumi up --stack ${stack}`
        : rotate(stack);
    if (left < days.problem * dayLength) {
      return problem(found, todo, renew(stack, state, "runner"));
    }
    return left < days.warning * dayLength ? warning(found, todo) : ok(`it expires at ${moment(expiry, now())}`);
  },
};
