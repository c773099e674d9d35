import * as pulumi from "@pulumi/pulumi";
import type { Policies, ReportViolation, ResourceValidation } from "@pulumi/policy";
import { valid } from "semver";
import { deniesAll, isOpen, type NetworkPolicy } from "./network-policy.ts";
import {
  isOfRunner,
  leaves,
  podNamespaces,
  runnerRelease,
  type Resource,
  type RunnerRelease,
} from "./runner-release.ts";

/** What a stack can say of itself: `pulumi config set policy:production true`. */
const stackFlags = ["production", "closedNetwork"] as const;

/** Ends of names of settings and environment variables that hold a secret. */
const secretName = /(token|password|secret_?key|access_?key|account_?key|private_?key|auth_config)$/i;

/** Tokens of GitLab and access keys of AWS; see https://docs.gitlab.com/security/tokens/#token-prefixes */
const secretText = /\bgl[a-z]{2,}-[\w-]{20,}|\bGR1348941[\w-]{20}|\b(AKIA|ASIA)[A-Z0-9]{16}\b/;

/** The rules, each with a way to keep it in its message. */
export const policies: Policies = [
  {
    name: "no-privileged-jobs",
    description: "No job runs in a privileged container, where it can become root on its node.",
    validateResource: ofRelease(({ values }, report) => {
      for (const { path, value } of leaves(values)) {
        const isOn = /(^|[._])privileged$/.test(path) && String(value) === "true";
        const isInPatch = path.endsWith(".patch") && /privileged(?!["']?\s*:\s*false)/.test(String(value));
        if (isOn || isInPatch) {
          report(
            `${path} makes containers privileged. Remove it: pulumi config set --path jobs.privileged false. ` +
              "Images can be built without it: docs/templates.md.",
          );
        }
      }
    }),
  },
  {
    name: "no-wildcard-rights",
    description: "No role and no key of a runner has wildcard rights.",
    validateResource: (resource, report) => {
      const { type, props } = resource;
      const listed = (rights: string) =>
        `${rights} has a wildcard. List the API groups, resources and verbs that are needed; for a runner: ` +
        "https://docs.gitlab.com/runner/executors/kubernetes/#configure-runner-api-permissions";
      if (/^kubernetes:rbac\.authorization\.k8s\.io\/v1\w*:(Cluster)?Role$/.test(type) && hasWildcard(props["rules"])) {
        report(listed("rules"));
      }
      const rbac = runnerRelease(resource)?.values["rbac"] as { create?: boolean; rules?: object[] } | undefined;
      const { create = false, rules = [] } = rbac ?? {};
      // What is not listed, the chart fills in with wildcards.
      const isWide = (rule: object) => hasWildcard(rule) || !("resources" in rule) || !("verbs" in rule);
      if (create && (rules.length === 0 || rules.some(isWide))) {
        report(listed("rbac.rules in the chart's values"));
      }
      if (statements(resource).some(({ Action }) => [Action].flat().some((action) => action?.includes("*") ?? true))) {
        report("The key may do anything. List the actions: s3:GetObject, s3:PutObject, s3:ListBucket.");
      }
    },
  },
  {
    name: "no-secrets-in-values",
    description: "No secret is in Helm's values, which `helm get values` prints.",
    validateResource: ofRelease(({ values }, report) => {
      for (const { path, value } of leaves(values)) {
        const isText = typeof value === "string" && value !== "" && !value.startsWith("$");
        if (isText && (secretText.test(value) || secretName.test(path))) {
          report(
            `${path} is a secret. Remove it: the runner's token and the cache's keys are read from Kubernetes Secrets ` +
              "(runnerToken, cache.credentials), and secrets of jobs belong in GitLab's CI/CD variables.",
          );
        }
      }
    }),
  },
  {
    name: "pinned-chart",
    description: "GitLab's chart is installed in an exact version.",
    validateResource: ofRelease(({ chart, version }, report) => {
      const isFile = /^\.{0,2}\/|\.tgz$/.test(chart);
      if (!isFile && valid(version) === null) {
        report(
          `Chart ${chart} has ${version === undefined ? "no version" : `the version "${version}"`}, so the next update may ` +
            "install another one. Set one, such as: pulumi config set --path chart.version 0.86.0",
        );
      }
    }),
  },
  {
    name: "tags-on-purpose",
    description: "A runner has tags, or takes jobs without tags on purpose.",
    validateResource: ({ type, props }, report) => {
      const { tagLists, untagged } = props as { tagLists?: string[]; untagged?: boolean };
      if (type === "gitlab:index/userRunner:UserRunner" && untagged !== true) {
        if (untagged === undefined) {
          report(
            "untagged is not set, and GitLab's default is true. Set it: false for jobs with the runner's tags only, or true.",
          );
        } else if ((tagLists ?? []).length === 0) {
          report(
            "It has no tags, which GitLab refuses. Set some, such as pulumi config set tags '[\"kubernetes\"]', " +
              "or: pulumi config set runUntagged true",
          );
        }
      }
    },
  },
  {
    name: "keys-for-one-bucket",
    description: "The keys of a cache are for its bucket only.",
    validateResource: (resource, report) => {
      const buckets = new Set(
        statements(resource)
          .flatMap(({ Resource }) => [Resource].flat())
          .map((name) => name?.replace(/^arn:aws:s3:::/, "").replace(/\/.*$/, "") ?? "*"),
      );
      if (buckets.size > 1 || [...buckets].some((bucket) => /[*?]/.test(bucket))) {
        report(
          `The key is for ${[...buckets].join(", ")}. Allow one bucket and its objects: arn:aws:s3:::BUCKET, arn:aws:s3:::BUCKET/*`,
        );
      }
    },
  },
  {
    name: "production-keeps-its-cache",
    description: "Where the stack says policy:production, its bucket is not deleted with its objects.",
    validateResource: (resource, report) => {
      const isBucket = resource.type === "minio:index/s3Bucket:S3Bucket" && isOfRunner(resource);
      if (isBucket && resource.props["forceDestroy"] === true && says("production")) {
        report(
          "pulumi destroy would delete the bucket and all in it. Set: pulumi config set --path cache.deleteWithStack false",
        );
      }
    },
  },
  {
    name: "closed-network",
    description:
      "Where the stack says policy:closedNetwork, a runner's pods reach and are reached by listed addresses only.",
    validateStack: ({ resources }, report) => {
      if (!says("closedNetwork")) {
        return;
      }
      const networkPolicies = resources.filter(({ type }) => type === "kubernetes:networking.k8s.io/v1:NetworkPolicy");
      const releases = resources.map(runnerRelease).filter((release) => release !== undefined);
      for (const namespace of new Set(releases.flatMap(podNamespaces))) {
        const inside = networkPolicies
          .map(({ props, urn }) => ({ ...(props as NetworkPolicy), urn }))
          .filter(({ metadata }) => (metadata.namespace ?? "default") === namespace);
        if (!inside.some(({ spec }) => deniesAll(spec))) {
          report(
            `No NetworkPolicy denies all other traffic of namespace ${namespace}. ` +
              "Set networkPolicy, as docs/configuration.md has it.",
          );
        }
        for (const { metadata, urn } of inside.filter((policy) => isOpen(policy.spec))) {
          report(
            `NetworkPolicy ${metadata.name} of namespace ${namespace} allows any address. ` +
              "List address ranges in networkPolicy.gitlab, .apiServer, .cache and .jobs.",
            urn,
          );
        }
      }
    },
  },
  {
    name: "known-flags",
    description: "What a stack says of itself, policy:…, is a flag that these rules know.",
    validateStack: (_stack, report) => {
      const known = stackFlags.map((flag) => `policy:${flag}`);
      for (const [key, value] of Object.entries(pulumi.runtime.allConfig())) {
        if (key.startsWith("policy:") && !known.includes(key)) {
          report(`${key} must be ${known.join(" or ")}. Remove it: pulumi config rm ${key}`);
        } else if (key.startsWith("policy:") && !["true", "false"].includes(value)) {
          report(`${key} must be true or false. Set it: pulumi config set ${key} true`);
        }
      }
    },
  },
];

function says(flag: (typeof stackFlags)[number]): boolean {
  return new pulumi.Config("policy").get(flag) === "true";
}

function ofRelease(check: (release: RunnerRelease, report: ReportViolation) => void): ResourceValidation {
  return (resource, report) => {
    const release = runnerRelease(resource);
    if (release !== undefined) {
      check(release, report);
    }
  };
}

function hasWildcard(rules: unknown): boolean {
  return leaves(rules).some(({ value }) => String(value).includes("*"));
}

interface Statement {
  readonly Effect: string;
  readonly Action?: string | string[];
  readonly Resource?: string | string[];
}

/** @returns what the policy of a runner's cache allows */
function statements(resource: Resource): Statement[] {
  if (resource.type !== "minio:index/iamPolicy:IamPolicy" || !isOfRunner(resource)) {
    return [];
  }
  const { Statement } = JSON.parse(String(resource.props["policy"])) as { Statement: Statement | Statement[] };
  return [Statement].flat().filter(({ Effect }) => Effect === "Allow");
}
