import * as pulumi from "@pulumi/pulumi";
import type { GitLabRunnerArgs } from "./gitlab-runner-args.ts";

/** The settings that decide where jobs run and caches are stored. */
export type Places = Pick<GitLabRunnerArgs, "namespace" | "jobs" | "cache"> & {
  /** The runner that the stack creates; an existing runner can be paused only in GitLab. */
  readonly registration?: {
    /** It takes no new jobs. */
    readonly paused?: boolean;
  };
};

/**
 * A hook that warns, in `pulumi preview` and `pulumi up`, about a change that interrupts jobs or deletes caches. It compares the
 * component's inputs with those of the last update, so it needs no connection.
 * There is no hook for deletion: with one, the engine would refuse `pulumi destroy` without `--run-program`.
 * Source: https://www.pulumi.com/docs/iac/concepts/resources/options/hooks/
 * @param name name of the component
 */
export function changeHooks(name: string): pulumi.ResourceHookBinding {
  // Pulumi's mocks, which unit tests of a program use, do not support hooks.
  const monitor = pulumi.runtime.getMonitor() as { readonly registerResourceHook?: unknown } | undefined;
  if (monitor?.registerResourceHook === undefined) {
    return {};
  }
  const warn: pulumi.ResourceHookFunction = ({ oldInputs, newInputs }) => {
    // They are Outputs if they contain a secret.
    pulumi.all([places(oldInputs), places(newInputs)]).apply(([before, after]) => {
      for (const warning of changeWarnings(name, before, after)) {
        void pulumi.log.warn(warning);
      }
    });
  };
  // An error in the hook must not fail the update.
  const options = { onDryRun: true, ignoreErrors: true };
  return { beforeUpdate: [new pulumi.ResourceHook(`gitlab-runner:index:GitLabRunner_${name}_changes`, warn, options)] };
}

/** @returns warnings about what the change will interrupt or delete, and what to do first; none if jobs and caches stay */
export function changeWarnings(name: string, before: Places, after: Places): string[] {
  return [...lostJobs(name, before, after), ...lostBucket(name, before, after)];
}

function places(inputs: unknown): pulumi.Output<Places> {
  const { namespace, jobs, cache, registration } = (inputs ?? {}) as Places;
  return pulumi.output({ namespace, jobs, cache, registration });
}

function lostJobs(name: string, before: Places, after: Places): string[] {
  const [manager, newManager] = [before.namespace ?? name, after.namespace ?? name];
  const [jobs, newJobs] = [before.jobs?.namespace ?? manager, after.jobs?.namespace ?? newManager];
  if (manager === newManager && jobs === newJobs) {
    return [];
  }
  const settings = [
    ...(manager === newManager ? [] : ["namespace"]),
    ...(before.jobs?.namespace === after.jobs?.namespace ? [] : ["jobs.namespace"]),
  ].join(" and ");
  const pause =
    before.registration === undefined ? "pause the runner in GitLab" : "set paused to true and run pulumi up";
  return [
    `Changing ${settings} interrupts the running jobs in namespace ${jobs}: ` +
      (jobs === newJobs
        ? "their manager is deleted.\n"
        : [newManager, newJobs].includes(jobs)
          ? "the manager loses its permissions there.\n"
          : "the namespace is deleted.\n") +
      (before.registration?.paused === true
        ? "  The runner is paused. Before you continue, wait until no job pods are left:\n"
        : `  To let them finish, first undo this change, ${pause}, and wait until no job pods are left:\n`) +
      `    kubectl --namespace ${jobs} get pods`,
  ];
}

function lostBucket(name: string, before: Places, after: Places): string[] {
  const bucket = ownBucket(name, before);
  if (bucket === undefined || ownBucket(name, after)?.name === bucket.name || adopts(name, after, bucket.name)) {
    return [];
  }
  return [
    `Bucket ${bucket.name} will be deleted` +
      (bucket.deleteWithStack
        ? ", with all caches in it.\n"
        : ": if it has objects, MinIO refuses, and the update fails after everything else was changed.\n") +
      "  Running jobs can no longer store their caches.\n" +
      "  To keep the bucket, first undo this change, set cache.adopt to true and run pulumi up: Pulumi then leaves it alone." +
      (bucket.deleteWithStack
        ? ""
        : `\n  To delete it with all caches in it, first empty it: mc rm --recursive --force ALIAS/${bucket.name}`),
  ];
}

/** @returns the bucket that the stack creates, and therefore deletes; undefined for a store or a bucket that is managed elsewhere */
function ownBucket(name: string, { cache = {} }: Places): { name: string; deleteWithStack: boolean } | undefined {
  return cache === false || cache.credentials !== undefined || cache.adopt === true
    ? undefined
    : { name: cache.bucket ?? `${name}-cache`, deleteWithStack: cache.deleteWithStack === true };
}

/** Whether the bucket becomes an adopted one: the engine then drops it from the state without deleting it. */
function adopts(name: string, { cache = {} }: Places, bucket: string): boolean {
  return (
    cache !== false &&
    cache.adopt === true &&
    cache.credentials === undefined &&
    (cache.bucket ?? `${name}-cache`) === bucket
  );
}
