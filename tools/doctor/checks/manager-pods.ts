import type { V1Deployment, V1Pod } from "@kubernetes/client-node";
import { ok, problem, warning, type Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { describeError } from "../../clients/describe-error.ts";
import { isReady, podTrouble, recentCrash, type PodTrouble } from "../pod-trouble.ts";
import { releaseRepair } from "../release-repair.ts";
import { moment } from "../times.ts";
import type { Fix } from "../fixes/fix.ts";
import { reapplyRelease } from "../fixes/reapply-release.ts";

/** The manager runs: as many pods as configured, all of them ready. */
export const managerPods: Check<DoctorContext> = {
  id: "pods",
  title: "The manager pods are ready",
  needs: ["namespaces"],
  run: async (context) => {
    const { outputs, expected, now } = context;
    const { namespace, release } = outputs;
    const deployment = await context.deployment();
    if (deployment === undefined) {
      return problem(
        `There is no Deployment ${release.name} in namespace ${namespace}.`,
        await releaseRepair(context),
        await reapply(context),
      );
    }
    const wanted = deployment.spec?.replicas ?? 1;
    if (wanted < expected.replicas) {
      return problem(
        `The Deployment ${release.name} is scaled to ${wanted}; manager.replicas is ${expected.replicas}.`,
        `kubectl --namespace ${namespace} scale deployment ${release.name} --replicas ${expected.replicas}`,
        await reapply(context),
      );
    }
    const pods = (await context.managerPods()).filter(isCurrent);
    const unready = pods.filter((pod) => !isReady(pod));
    if (unready.length > 0) {
      const troubles = unready.map((pod) => podTrouble(pod));
      const described = await Promise.all(troubles.map((trouble) => describe(trouble, context)));
      const todos = new Set(troubles.map(({ todo }) => todo(namespace)));
      return problem(described.join("\n"), [...todos].join("\n"));
    }
    if (pods.length < wanted) {
      return problem(
        `${pods.length} of ${wanted} pods exist. ${refusal(deployment)}`.trim(),
        `kubectl --namespace ${namespace} describe replicasets --selector app=${release.name}`,
      );
    }
    const crashes = pods.flatMap((pod) => recentCrash(pod, now()) ?? []);
    if (crashes.length > 0) {
      return warning(crashes.join("\n"), logCommand(namespace, pods[0]?.metadata?.name ?? "", true));
    }
    const since = pods[0]?.status?.startTime;
    return ok(`${pods.length} of ${wanted}${since === undefined ? "" : `, since ${moment(since, now())}`}`);
  },
};

async function reapply({ kubernetes, outputs }: DoctorContext): Promise<Fix | undefined> {
  const found = await kubernetes().helmRelease(outputs.namespace, outputs.release.name);
  return found?.status === "deployed" ? reapplyRelease(outputs, found.revision) : undefined;
}

/** Neither finished nor being deleted: such pods have been replaced. */
function isCurrent({ metadata, status }: V1Pod): boolean {
  return metadata?.deletionTimestamp === undefined && status?.phase !== "Succeeded" && status?.phase !== "Failed";
}

/** Why no pod is created, for example because a quota or the Pod Security level forbids it. */
function refusal({ status }: V1Deployment): string {
  const failure = status?.conditions?.find(({ type, status: is }) => type === "ReplicaFailure" && is === "True");
  return failure?.message ?? "";
}

/** The reason, and the end of the log of a container that has run. */
async function describe(trouble: PodTrouble, { kubernetes, outputs }: DoctorContext): Promise<string> {
  const { pod, reason, log } = trouble;
  const first = `Pod ${pod}: ${reason}`;
  if (log === undefined) {
    return first;
  }
  try {
    const text = await kubernetes().log({ namespace: outputs.namespace, name: pod }, log.container, log.previous);
    const lines = text.trimEnd().split("\n").slice(-10);
    return [first, `The log of ${log.container} ends with:`, ...lines.map((line) => `  ${line.slice(0, 300)}`)].join(
      "\n",
    );
  } catch (error) {
    return `${first}\nIts log cannot be read: ${describeError(error)}`;
  }
}

function logCommand(namespace: string, pod: string, previous: boolean): string {
  return `kubectl --namespace ${namespace} logs ${pod}${previous ? " --previous" : ""}`;
}
