import type { Check } from "./check.ts";
import { cacheBucket } from "./checks/cache-bucket.ts";
import { cacheKey } from "./checks/cache-key.ts";
import { cacheScope } from "./checks/cache-scope.ts";
import { cacheWorks } from "./checks/cache-works.ts";
import { chartConfigured } from "./checks/chart-configured.ts";
import { chartNewest } from "./checks/chart-newest.ts";
import { configuration } from "./checks/configuration.ts";
import { gitlabAnswers } from "./checks/gitlab-answers.ts";
import { gitlabToken } from "./checks/gitlab-token.ts";
import { helmRelease } from "./checks/helm-release.ts";
import { jobRights } from "./checks/job-rights.ts";
import { kubernetesAnswers } from "./checks/kubernetes-answers.ts";
import { linkerdAnnotations } from "./checks/linkerd-annotations.ts";
import { linkerdProxy } from "./checks/linkerd-proxy.ts";
import { managerPods } from "./checks/manager-pods.ts";
import { managerRights } from "./checks/manager-rights.ts";
import { namespaces } from "./checks/namespaces.ts";
import { orphanedObjects } from "./checks/orphaned-objects.ts";
import { orphanedPods } from "./checks/orphaned-pods.ts";
import { orphanedRunners } from "./checks/orphaned-runners.ts";
import { rbac } from "./checks/rbac.ts";
import { releaseObjects } from "./checks/release-objects.ts";
import { runnerKnown } from "./checks/runner-known.ts";
import { runnerOnline } from "./checks/runner-online.ts";
import { runnerPaused } from "./checks/runner-paused.ts";
import { runnerProjects } from "./checks/runner-projects.ts";
import { runnerSettings } from "./checks/runner-settings.ts";
import { runnerTags } from "./checks/runner-tags.ts";
import { storeAnswers } from "./checks/store-answers.ts";
import { tokenExpiry } from "./checks/token-expiry.ts";
import { tokenValid } from "./checks/token-valid.ts";
import type { DoctorContext } from "./context.ts";

/** All checks, in the order in which they are printed; each comes after those that it needs. */
export const allChecks: readonly Check<DoctorContext>[] = [
  configuration,
  gitlabAnswers,
  gitlabToken,
  runnerKnown,
  runnerOnline,
  runnerPaused,
  runnerTags,
  runnerSettings,
  runnerProjects,
  kubernetesAnswers,
  namespaces,
  tokenValid,
  tokenExpiry,
  helmRelease,
  releaseObjects,
  managerPods,
  rbac,
  managerRights,
  jobRights,
  linkerdAnnotations,
  linkerdProxy,
  storeAnswers,
  cacheKey,
  cacheBucket,
  cacheWorks,
  cacheScope,
  chartConfigured,
  chartNewest,
  orphanedPods,
  orphanedObjects,
  orphanedRunners,
];
