import { z } from "zod";
import {
  cacheSettings,
  chartSettings,
  dnsLabel,
  jobSettings,
  managerSettings,
  networkPolicySettings,
  podSecurityLevel,
  quotaSettings,
} from "../settings.ts";

// `Pulumi.yaml` can declare no key without a default: 0 and "" stand for 'not set' there, and undefined from here on.
const unlessZero = (value: number) => (value === 0 ? undefined : value);
const unlessEmpty = (value: string) => (value === "" ? undefined : value);

const optionalId = z.int().min(0, "must be at least 1").default(0).transform(unlessZero).meta({ example: 12345678 });

const projectPath = /^[^/\s]+(\/[^/\s]+)+$/;
const notAProject = "must be the id or the full path of a project";
const notATimeout = "must be a whole number of seconds, at least 600";

const tag = z
  .string()
  .max(255)
  .superRefine((text, context) => {
    // GitLab takes a comma for the end of a tag, and spaces around one away.
    const [first = ""] = text.split(",").map((part) => part.trim());
    if (text === "" || text !== first) {
      const message = "must be one tag, without a comma or a space at its ends";
      const isTag = first !== "" && first.length <= 255;
      context.addIssue({ code: "custom", message, params: { example: isTag ? first : undefined } });
    }
  })
  .meta({ example: "kubernetes" });

/** What GitLab keeps of a runner. */
const registration = {
  runnerType: z.enum(["project", "group", "instance"]).default("project"),
  projectId: optionalId,
  groupId: optionalId,
  extraProjects: z
    .array(
      z
        .union([z.int().min(1), z.string().regex(projectPath, notAProject)], { error: notAProject })
        .meta({ example: "my-group/my-project" }),
    )
    .default([]),
  // 50 tags at most: https://gitlab.com/gitlab-org/gitlab/-/blob/master/app/models/ci/runner.rb (TAG_LIST_MAX_LENGTH)
  tags: z.array(tag).max(50).default(["kubernetes", "homelab"]),
  runUntagged: z.boolean().default(false),
  locked: z.boolean().default(false),
  paused: z.boolean().default(false),
  protectedOnly: z.boolean().default(false),
  description: z.string().max(1024).default("").transform(unlessEmpty).meta({ example: "k8s-homelab-runner" }),
  maintenanceNote: z.string().max(1024).default("").transform(unlessEmpty).meta({ example: "Ask the platform team" }),
  maximumTimeout: z
    .union([z.literal(0), z.int().min(600, notATimeout)], { error: notATimeout })
    .default(0)
    .transform(unlessZero)
    .meta({ example: 3600 }),
};

/** Keys of the stack configuration that GitLab keeps the values of. */
export const registrationKeys = Object.keys(registration) as (keyof typeof registration)[];

/** Stack configuration, key by key; `Pulumi.yaml` describes each. */
export const stackConfig = z.strictObject({
  gitlabUrl: z.url({ protocol: /^https?$/, error: "must be GitLab's http(s) address" }).default("https://gitlab.com"),
  ...registration,
  runnerToken: z
    .string()
    .trim()
    .regex(/^$|^glrt-[\w.-]{20,}$/, "must be an authentication token, glrt-…; registration tokens no longer work")
    .default("")
    .transform(unlessEmpty)
    .meta({ secret: true, example: "glrt-…" }),
  rotation: z.string().default("").transform(unlessEmpty).meta({ example: "2026-11" }),
  namespace: dnsLabel.default("gitlab-runner"),
  cache: z
    .union([z.literal(false), cacheSettings], { error: "must be false, or an object with keys" })
    .prefault({})
    .meta({
      secret: "inside",
      fix: "pulumi config rm cache    (for its defaults; no cache: pulumi config set cache false)",
    }),
  manager: managerSettings.prefault({}),
  jobs: jobSettings.prefault({}),
  linkerd: z.boolean().default(false),
  chart: chartSettings.prefault({}),
  podSecurity: z
    .union([podSecurityLevel, z.literal("")], { error: "must be privileged, baseline or restricted" })
    .default("")
    .transform((level) => (level === "" ? undefined : level))
    .meta({ example: "baseline" }),
  quota: quotaSettings.default({}).transform((quota) => (Object.keys(quota).length === 0 ? undefined : quota)),
  networkPolicy: z
    .union([z.boolean(), networkPolicySettings], { error: "must be true, false, or an object with keys" })
    .default(false)
    .meta({ example: true }),
  caCertificate: z.string().default("").transform(unlessEmpty).meta({ example: "-----BEGIN CERTIFICATE-----…" }),
});

/** The stack's configuration, complete. */
export type StackConfig = z.output<typeof stackConfig>;
