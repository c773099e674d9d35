import { ok, problem, type Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { describeError } from "../../clients/describe-error.ts";

/** The API server responds. */
export const kubernetesAnswers: Check<DoctorContext> = {
  id: "kubernetes",
  title: "Kubernetes answers",
  run: async ({ kubernetes }) => {
    const fix = "pulumi config set kubernetes:context NAME    (kubectl config get-contexts lists them)";
    let place = "";
    try {
      const cluster = kubernetes();
      place = cluster.place;
      return ok(`${await cluster.version()} at ${place}`);
    } catch (error) {
      return problem([place, describeError(error)].filter(Boolean).join(": "), fix);
    }
  },
};
