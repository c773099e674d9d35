import { stackKeys } from "../../components/config/stack-keys.ts";
import { groups } from "../../components/settings/runner.ts";
import { caCertificate } from "./config-arbitrary.ts";

/** A configuration with one mistake, and all that the message says of it. */
export interface Mistake {
  readonly title: string;
  /** Values on top of `projectId: 1`. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Keys that are encrypted. */
  readonly secrets?: readonly string[];
  /** What one types where the command of the message asks for a value. */
  readonly answer?: string;
  /** The command is a first step, and the next message tells of the second. */
  readonly lacksMore?: true;
  /** The key, what is allowed, and what was found. */
  readonly problem: string;
  /** How to fix it. */
  readonly fix: string;
}

const topLevelKeys = stackKeys.join(", ");

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
const certificateFix = `pulumi config set caCertificate -- "$(sed -n '/-BEGIN CERTIFICATE-/,/-END CERTIFICATE-/p' ca.pem)"`;

function keysOf({ shape }: { readonly shape: object }): string {
  return Object.keys(shape).join(", ");
}

/** At least one mistake for every rule, and for every message; config-declared.test.ts sets each setting to a wrong kind of value. */
export const mistakes: Readonly<Record<string, readonly Mistake[]>> = {
  "keys that do not exist": [
    {
      title: "a key by another name",
      values: { tag: ["ci"] },
      problem: "tag: there is no such key; did you mean tags?",
      fix: `pulumi config rm tag    (keys there: ${topLevelKeys})`,
    },
    {
      title: "a key in other case",
      values: { maintenancenote: "x" },
      problem: "maintenancenote: there is no such key; did you mean maintenanceNote?",
      fix: `pulumi config rm maintenancenote    (keys there: ${topLevelKeys})`,
    },
    {
      title: "the end of a key",
      values: { timeout: 3600 },
      problem: "timeout: there is no such key; did you mean maximumTimeout?",
      fix: `pulumi config rm timeout    (keys there: ${topLevelKeys})`,
    },
    {
      title: "a key like no other",
      values: { gitlabToken: "glpat-1" },
      problem: "gitlabToken: there is no such key",
      fix: `pulumi config rm gitlabToken    (keys there: ${topLevelKeys})`,
    },
    {
      title: "a key with a dot and a quote",
      values: { 'a."b"': 1 },
      problem: '["a.\\"b\\""]: there is no such key',
      fix: `pulumi config rm 'a."b"'    (keys there: ${topLevelKeys})`,
    },
    {
      title: "a nested key by another name",
      values: { manager: { concurent: 4 } },
      problem: "manager.concurent: there is no such key; did you mean manager.concurrent?",
      fix: `pulumi config rm --path manager.concurent    (keys there: ${keysOf(groups.manager)})`,
    },
    {
      title: "a nested key like no other",
      values: { jobs: { shell: "bash" } },
      problem: "jobs.shell: there is no such key",
      fix: `pulumi config rm --path jobs.shell    (keys there: ${keysOf(groups.jobs)})`,
    },
    {
      title: "a key of a list's entry",
      values: { manager: { tolerations: [{ key: "ci", val: "yes", operator: "Exists" }] } },
      problem: "manager.tolerations[0].val: there is no such key; did you mean manager.tolerations[0].value?",
      fix: "pulumi config rm --path 'manager.tolerations[0].val'    (keys there: key, operator, value, effect, tolerationSeconds)",
    },
    {
      title: "a key beside the credentials, whose value stays hidden",
      values: {
        cache: {
          bucket: "ci-cache",
          credentials: { accessKey: "AKIA12345", secretKey: "s3cr3t-key", token: "s3cr3t-token" },
        },
      },
      secrets: ["cache"],
      problem: "cache.credentials.token: there is no such key",
      fix: "pulumi config rm --path cache.credentials.token    (keys there: accessKey, secretKey)",
    },
  ],
  "values of the top level": [
    {
      title: "an address without scheme",
      values: { gitlabUrl: "gitlab.example.com" },
      problem: 'gitlabUrl: must be GitLab\'s http(s) address, but is "gitlab.example.com"',
      fix: "pulumi config set gitlabUrl https://gitlab.com",
    },
    {
      title: "an address of another scheme, whose password stays hidden",
      values: { gitlabUrl: "ssh://git:pa/ss@gitlab.example.com" },
      problem: 'gitlabUrl: must be GitLab\'s http(s) address, but is "ssh://[secret]@gitlab.example.com"',
      fix: "pulumi config set gitlabUrl https://gitlab.com",
    },
    {
      title: "no address",
      values: { gitlabUrl: "" },
      problem: 'gitlabUrl: must be GitLab\'s http(s) address, but is ""',
      fix: "pulumi config set gitlabUrl https://gitlab.com",
    },
    {
      title: "the API's address",
      values: { gitlabUrl: "https://example.com/gitlab/api/v4/" },
      problem:
        'gitlabUrl: must be GitLab\'s own address, without /api/v4, query or user name, but is "https://example.com/gitlab/api/v4/"',
      fix: "pulumi config set gitlabUrl https://example.com/gitlab",
    },
    {
      title: "an address with a password, which stays hidden",
      values: { gitlabUrl: "https://user:pass@gitlab.example.com" },
      problem:
        'gitlabUrl: must be GitLab\'s own address, without /api/v4, query or user name, but is "https://[secret]@gitlab.example.com"',
      fix: "pulumi config set gitlabUrl https://gitlab.example.com",
    },
    {
      title: "an address with a query",
      values: { gitlabUrl: "https://gitlab.example.com/?page=1" },
      problem:
        'gitlabUrl: must be GitLab\'s own address, without /api/v4, query or user name, but is "https://gitlab.example.com/?page=1"',
      fix: "pulumi config set gitlabUrl https://gitlab.example.com",
    },
    {
      title: "an address in capitals, for which the runner finds no certificate",
      values: { gitlabUrl: "https://GitLab.example.com/GitLab" },
      problem:
        'gitlabUrl: must be GitLab\'s address in full, with the host in lower case, but is "https://GitLab.example.com/GitLab"',
      fix: "pulumi config set gitlabUrl https://gitlab.example.com/GitLab",
    },
    {
      title: "an address that browsers take and the runner does not",
      values: { gitlabUrl: "https://gitlab.example.com\\gitlab" },
      problem:
        'gitlabUrl: must be GitLab\'s address in full, with the host in lower case, but is "https://gitlab.example.com\\\\gitlab"',
      fix: "pulumi config set gitlabUrl https://gitlab.example.com/gitlab",
    },
    {
      title: "an address with a port that does not exist",
      values: { gitlabUrl: "https://gitlab.example.com:0/$HOME" },
      problem:
        'gitlabUrl: must be GitLab\'s address in full, with the host in lower case, but is "https://gitlab.example.com:0/$HOME"',
      fix: "pulumi config set gitlabUrl https://gitlab.example.com/%24HOME",
    },
    {
      title: "certificates for an address in IPv6",
      values: { gitlabUrl: "https://[fd00::1]:8443", caCertificate },
      problem:
        'gitlabUrl: must have a name or an IPv4 address with caCertificate, which the runner does not find for IPv6, but is "https://[fd00::1]:8443"',
      fix: "pulumi config set gitlabUrl https://gitlab.example.com    (or: pulumi config rm caCertificate)",
    },
    {
      title: "a runner of no type",
      values: { runnerType: "team" },
      problem: 'runnerType: must be "project" or "group" or "instance", but is "team"',
      fix: "pulumi config set runnerType project",
    },
    {
      title: "a project's path in place of its id",
      values: { projectId: "group/project" },
      problem: 'projectId: must be a whole number, but is "group/project"',
      fix: "pulumi config set projectId 12345678",
    },
    {
      title: "half a project",
      values: { projectId: 1.5 },
      problem: "projectId: must be a whole number, but is 1.5",
      fix: "pulumi config set projectId 12345678",
    },
    {
      title: "a project before the first",
      values: { projectId: -1 },
      problem: "projectId: must be at least 1, but is -1",
      fix: "pulumi config set projectId 12345678",
    },
    {
      title: "one further project in place of a list",
      values: { extraProjects: "group/project" },
      problem: 'extraProjects: must be a list, but is "group/project"',
      fix: "pulumi config set --path 'extraProjects[0]' my-group/my-project",
    },
    {
      title: "a further project that is neither id nor path",
      values: { extraProjects: ["group/project", "project"] },
      problem: 'extraProjects[1]: must be the id or the full path of a project, but is "project"',
      fix: "pulumi config set --path 'extraProjects[1]' my-group/my-project",
    },
    {
      title: "a further project's address for git",
      values: { extraProjects: ["group/project.git"] },
      problem: 'extraProjects[0]: must be the id or the full path of a project, but is "group/project.git"',
      fix: "pulumi config set --path 'extraProjects[0]' my-group/my-project",
    },
    {
      title: "a further project's path with a query",
      values: { extraProjects: ["group/project?ref=main"] },
      problem: 'extraProjects[0]: must be the id or the full path of a project, but is "group/project?ref=main"',
      fix: "pulumi config set --path 'extraProjects[0]' my-group/my-project",
    },
    {
      title: "a further project's id as text",
      values: { extraProjects: ["75488735"] },
      problem: 'extraProjects[0]: must be the id or the full path of a project, but is "75488735"',
      fix: "pulumi config rm --path 'extraProjects[0]'    (then, for example, pulumi config set --path 'extraProjects[0]' 75488735)",
    },
    {
      title: "a further project before the first",
      values: { extraProjects: [0] },
      problem: "extraProjects[0]: must be at least 1, but is 0",
      fix: "pulumi config set --path 'extraProjects[0]' my-group/my-project",
    },
    {
      title: "a list in the list of further projects",
      values: { extraProjects: [[2]] },
      problem: "extraProjects[0]: must be the id or the full path of a project, but is [2]",
      fix: "pulumi config set --path 'extraProjects[0]' my-group/my-project",
    },
    {
      title: "tags as one text",
      values: { tags: "kubernetes,homelab" },
      problem: 'tags: must be a list, but is "kubernetes,homelab"',
      fix: "pulumi config set --path 'tags[0]' kubernetes",
    },
    {
      title: "a tag with a comma",
      values: { tags: ["linux", "arm,64"] },
      problem: 'tags[1]: must be one tag, without a comma, or a space or quote at its ends, but is "arm,64"',
      fix: "pulumi config set --path 'tags[1]' arm",
    },
    {
      title: "a tag that is too long, and has a comma",
      values: { tags: [`${"x".repeat(256)},`] },
      problem: `tags[0]: must have 255 characters at most; must be one tag, without a comma, or a space or quote at its ends, but is "${"x".repeat(199)}…`,
      fix: "pulumi config set --path 'tags[0]' kubernetes",
    },
    {
      title: "a tag with spaces at its ends",
      values: { tags: [" arm64 "] },
      problem: 'tags[0]: must be one tag, without a comma, or a space or quote at its ends, but is " arm64 "',
      fix: "pulumi config set --path 'tags[0]' arm64",
    },
    {
      title: "a tag in quotes, which GitLab takes off",
      values: { tags: ['"arm64"'] },
      problem: 'tags[0]: must be one tag, without a comma, or a space or quote at its ends, but is "\\"arm64\\""',
      fix: "pulumi config set --path 'tags[0]' arm64",
    },
    {
      title: "an empty tag",
      values: { tags: [""] },
      problem: 'tags[0]: must be one tag, without a comma, or a space or quote at its ends, but is ""',
      fix: "pulumi config set --path 'tags[0]' kubernetes",
    },
    {
      title: "a tag that is a number",
      values: { tags: [64] },
      problem: "tags[0]: must be text, but is 64",
      fix: "pulumi config set --type string --path 'tags[0]' 64",
    },
    {
      title: "a tag that is too long",
      values: {
        tags: [
          "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        ],
      },
      problem:
        'tags[0]: must have 255 characters at most, but is "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…',
      fix: "pulumi config set --path 'tags[0]' kubernetes",
    },
    {
      title: "too many tags",
      values: { tags: Array.from({ length: 51 }, (_, index) => `t${index}`) },
      problem:
        'tags: must have 50 entries at most, but is ["t0","t1","t2","t3","t4","t5","t6","t7","t8","t9","t10","t11","t12","t13","t14","t15","t16","t17","t18","t19","t20","t21","t22","t23","t24","t25","t26","t27","t28","t29","t30","t31","t32","t33","t34"…',
      fix: "pulumi config rm --path 'tags[50]'    (and all after it)",
    },
    {
      title: "a word for true",
      values: { runUntagged: "yes" },
      problem: 'runUntagged: must be true or false, but is "yes"',
      fix: "pulumi config set runUntagged true",
    },
    {
      title: "a number for true",
      values: { locked: 1 },
      problem: "locked: must be true or false, but is 1",
      fix: "pulumi config set locked true",
    },
    {
      title: "a word for false",
      values: { paused: "Off" },
      problem: 'paused: must be true or false, but is "Off"',
      fix: "pulumi config set paused false",
    },
    {
      title: "a description that is too long",
      values: { description: "d".repeat(1025) },
      problem:
        'description: must have 1024 characters at most, but is "ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd…',
      fix: "pulumi config set description k8s-homelab-runner",
    },
    {
      title: "a note that is too long",
      values: { maintenanceNote: "n".repeat(1025) },
      problem:
        'maintenanceNote: must have 1024 characters at most, but is "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn…',
      fix: "pulumi config set maintenanceNote 'Ask the platform team'",
    },
    {
      title: "a description with a null character",
      values: { description: "ci\0" },
      problem: 'description: must not contain a null character, but is "ci\\u0000"',
      fix: "pulumi config set description k8s-homelab-runner",
    },
    {
      title: "a note with a null character",
      values: { maintenanceNote: "\0" },
      problem: 'maintenanceNote: must not contain a null character, but is "\\u0000"',
      fix: "pulumi config set maintenanceNote 'Ask the platform team'",
    },
    {
      title: "a timeout beyond GitLab's numbers",
      values: { maximumTimeout: 2_147_483_648 },
      problem: "maximumTimeout: must be at most 2147483647, but is 2147483648",
      fix: "pulumi config set maximumTimeout 3600",
    },
    {
      title: "a timeout below GitLab's least",
      values: { maximumTimeout: 599 },
      problem: "maximumTimeout: must be a whole number of seconds, at least 600, but is 599",
      fix: "pulumi config set maximumTimeout 3600",
    },
    {
      title: "a timeout with a unit",
      values: { maximumTimeout: "1h" },
      problem: 'maximumTimeout: must be a whole number of seconds, at least 600, but is "1h"',
      fix: "pulumi config set maximumTimeout 3600",
    },
    {
      title: "a registration token, which stays hidden",
      values: { projectId: 0, runnerToken: "GR1348941secret" },
      secrets: ["runnerToken"],
      answer: "glrt-0123456789abcdefghij",
      problem:
        "runnerToken: must be an authentication token, glrt-…; registration tokens no longer work, but is [secret]",
      fix: "pulumi config set --secret runnerToken    (asks for it)",
    },
    {
      title: "a registration token in plain text, which stays hidden, too",
      values: { projectId: 0, runnerToken: "GR1348941secret" },
      answer: "glrt-0123456789abcdefghij",
      problem:
        "runnerToken: must be an authentication token, glrt-…; registration tokens no longer work, but is [secret]",
      fix: "pulumi config set --secret runnerToken    (asks for it)",
    },
    {
      title: "a namespace that is no DNS label",
      values: { namespace: "CI_Runner" },
      problem: 'namespace: must be a DNS label: a-z, 0-9 and -, 63 characters at most, but is "CI_Runner"',
      fix: "pulumi config set namespace gitlab-runner",
    },
    {
      title: "a namespace that is too long",
      values: { namespace: "n".repeat(64) },
      problem:
        'namespace: must be a DNS label: a-z, 0-9 and -, 63 characters at most, but is "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"',
      fix: "pulumi config set namespace gitlab-runner",
    },
    {
      title: "a namespace that every cluster has",
      values: { namespace: "default" },
      problem: 'namespace: must not be default, or start with kube-: those are Kubernetes\' own, but is "default"',
      fix: "pulumi config set namespace gitlab-runner",
    },
    {
      title: "no namespace",
      values: { namespace: "" },
      problem: 'namespace: must be a DNS label: a-z, 0-9 and -, 63 characters at most, but is ""',
      fix: "pulumi config set namespace gitlab-runner",
    },
    {
      title: "a word for a boolean",
      values: { linkerd: "enabled" },
      problem: 'linkerd: must be true or false, but is "enabled"',
      fix: "pulumi config set linkerd true",
    },
    {
      title: "a level that does not exist",
      values: { podSecurity: "high" },
      problem: 'podSecurity: must be privileged, baseline or restricted, but is "high"',
      fix: "pulumi config set podSecurity baseline",
    },
    {
      title: "a certificate that is none",
      values: { caCertificate: "ca.pem" },
      problem: "caCertificate: must be one or more certificates as PEM and nothing else, above all no private key",
      fix: certificateFix,
    },
    {
      title: "certificates of which one is broken",
      values: { caCertificate: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----" },
      problem: "caCertificate: must be one or more certificates as PEM and nothing else, above all no private key",
      fix: certificateFix,
    },
    {
      title: "a certificate with its private key, which stays hidden",
      values: { caCertificate: `${caCertificate}-----BEGIN PRIVATE KEY-----\ns3cr3t\n-----END PRIVATE KEY-----\n` },
      problem: "caCertificate: must be one or more certificates as PEM and nothing else, above all no private key",
      fix: certificateFix,
    },
    {
      title: "a certificate with a comment that may hold anything",
      values: { caCertificate: `s3cr3t\n${caCertificate}` },
      problem: "caCertificate: must be one or more certificates as PEM and nothing else, above all no private key",
      fix: certificateFix,
    },
  ],
  cache: [
    {
      title: "a cache, please",
      values: { cache: true },
      problem: "cache: must be false, or an object with keys, but is true",
      fix: "pulumi config rm cache    (for its defaults; no cache: pulumi config set cache false)",
    },
    {
      title: "no cache, please",
      values: { cache: "no" },
      problem: 'cache: must be false, or an object with keys, but is "no"',
      fix: "pulumi config rm cache    (for its defaults; no cache: pulumi config set cache false)",
    },
    {
      title: "a list in place of the cache, which stays hidden",
      values: { cache: [{ secretKey: "s3cr3t-key" }] },
      problem: "cache: must be false, or an object with keys, but is [secret]",
      fix: "pulumi config rm cache    (for its defaults; no cache: pulumi config set cache false)",
    },
    {
      title: "broken JSON in place of the cache, which stays hidden",
      values: { cache: "{credentials: {secretKey: s3cr3t-key}}" },
      problem: "cache: must be false, or an object with keys, but is [secret]",
      fix: "pulumi config rm cache    (for its defaults; no cache: pulumi config set cache false)",
    },
    {
      title: "a bucket in capitals",
      values: { cache: { bucket: "Cache" } },
      problem:
        'cache.bucket: must be a bucket name: a-z, 0-9, - and ., 3 to 63 characters, a letter or digit at both ends, but is "Cache"',
      fix: "pulumi config set --path cache.bucket gitlab-runner-cache",
    },
    {
      title: "a bucket that is too short",
      values: { cache: { bucket: "ci" } },
      problem:
        'cache.bucket: must be a bucket name: a-z, 0-9, - and ., 3 to 63 characters, a letter or digit at both ends, but is "ci"',
      fix: "pulumi config set --path cache.bucket gitlab-runner-cache",
    },
    {
      title: "a bucket like an address",
      values: { cache: { bucket: "10.0.0.1" } },
      problem: 'cache.bucket: must not look like an IP address, but is "10.0.0.1"',
      fix: "pulumi config set --path cache.bucket gitlab-runner-cache",
    },
    {
      title: "a bucket with two dots",
      values: { cache: { bucket: "ci..cache" } },
      problem: 'cache.bucket: must not contain .., .- or -., but is "ci..cache"',
      fix: "pulumi config set --path cache.bucket gitlab-runner-cache",
    },
    {
      title: "a bucket like one of S3's own",
      values: { cache: { bucket: "xn--cache" } },
      problem:
        'cache.bucket: must not start or end as the names that S3 reserves (xn--, -s3alias, …), but is "xn--cache"',
      fix: "pulumi config set --path cache.bucket gitlab-runner-cache",
    },
    {
      title: "a bucket of MinIO's own",
      values: { cache: { bucket: "minio" } },
      problem: 'cache.bucket: must not be minio, which MinIO keeps for itself, but is "minio"',
      fix: "pulumi config set --path cache.bucket gitlab-runner-cache",
    },
    {
      title: "a bucket that breaks two rules",
      values: { cache: { bucket: "-ci.-cache" } },
      problem:
        'cache.bucket: must be a bucket name: a-z, 0-9, - and ., 3 to 63 characters, a letter or digit at both ends; must not contain .., .- or -., but is "-ci.-cache"',
      fix: "pulumi config set --path cache.bucket gitlab-runner-cache",
    },
    {
      title: "a bucket that is a number",
      values: { cache: { bucket: 2026 } },
      problem: "cache.bucket: must be text, but is 2026",
      fix: "pulumi config set --type string --path cache.bucket 2026",
    },
    {
      title: "a server with a scheme",
      values: { cache: { server: "http://minio:9000" } },
      problem: 'cache.server: must be host or host:port, without http:// or a path, but is "http://minio:9000"',
      fix: "pulumi config set --path cache.server minio.minio.svc.cluster.local:9000",
    },
    {
      title: "a server with a password, which stays hidden",
      values: { cache: { server: "admin:s3cr3t-key@minio:9000" } },
      problem: 'cache.server: must be host or host:port, without http:// or a path, but is "[secret]@minio:9000"',
      fix: "pulumi config set --path cache.server minio.minio.svc.cluster.local:9000",
    },
    {
      title: "a port that does not exist",
      values: { cache: { server: "minio:99999" } },
      problem: 'cache.server: must have a port from 1 to 65535, but is "minio:99999"',
      fix: "pulumi config set --path cache.server minio:9000",
    },
    {
      title: "a port of nothing",
      values: { cache: { server: "minio:0" } },
      problem: 'cache.server: must have a port from 1 to 65535, but is "minio:0"',
      fix: "pulumi config set --path cache.server minio:9000",
    },
    {
      title: "a host that is none",
      values: { cache: { server: "..:9000" } },
      problem: 'cache.server: must have the name or address of a host, but is "..:9000"',
      fix: "pulumi config set --path cache.server minio.minio.svc.cluster.local:9000",
    },
    {
      title: "a word for true",
      values: { cache: { insecure: "on" } },
      problem: 'cache.insecure: must be true or false, but is "on"',
      fix: "pulumi config rm --path cache.insecure    (then, for example, pulumi config set --path cache.insecure true)",
    },
    {
      title: "no region",
      values: { cache: { region: "" } },
      problem: 'cache.region: must be the name of a region, but is ""',
      fix: "pulumi config set --path cache.region us-east-1",
    },
    {
      title: "an expiry before the first day",
      values: { cache: { expireAfterDays: 0 } },
      problem: "cache.expireAfterDays: must be at least 1, but is 0",
      fix: "pulumi config set --path cache.expireAfterDays 14",
    },
    {
      title: "an expiry after which MinIO's clock overflows, and deletes at once",
      values: { cache: { expireAfterDays: 1_000_000 } },
      problem: "cache.expireAfterDays: must be at most 36500, but is 1000000",
      fix: "pulumi config set --path cache.expireAfterDays 14",
    },
    {
      title: "a number in quotes",
      values: { cache: { expireAfterDays: "14" } },
      problem: 'cache.expireAfterDays: must be a whole number, but is "14"',
      fix: "pulumi config rm --path cache.expireAfterDays    (then, for example, pulumi config set --path cache.expireAfterDays 14)",
    },
    {
      title: "a quota of thousandths of a byte",
      values: { cache: { quota: "500m" } },
      problem:
        'cache.quota: must be a number of bytes, with a suffix such as Mi or Gi (m would be thousandths of a byte), but is "500m"',
      fix: "pulumi config set --path cache.quota 50Gi",
    },
    {
      title: "a quota of half a byte",
      values: { cache: { quota: 0.5 } },
      problem: "cache.quota: must be a whole number of bytes from 1 to 9007199254740991, but is 0.5",
      fix: "pulumi config set --path cache.quota 50Gi",
    },
    {
      title: "a quota of nothing, which MinIO takes for no limit",
      values: { cache: { quota: 0 } },
      problem: "cache.quota: must be a whole number of bytes from 1 to 9007199254740991, but is 0",
      fix: "pulumi config set --path cache.quota 50Gi",
    },
    {
      title: "a quota beyond MinIO's numbers",
      values: { cache: { quota: "16Ei" } },
      problem: 'cache.quota: must be a whole number of bytes from 1 to 9007199254740991, but is "16Ei"',
      fix: "pulumi config set --path cache.quota 50Gi",
    },
    {
      title: "a quota with a unit that Kubernetes does not know",
      values: { cache: { quota: "50GB" } },
      problem:
        'cache.quota: must be a number of bytes, with a suffix such as Mi or Gi (m would be thousandths of a byte), but is "50GB"',
      fix: "pulumi config set --path cache.quota 50Gi",
    },
    {
      title: "a quota that is no amount",
      values: { cache: { quota: false } },
      problem: "cache.quota: must be a number of bytes, but is false",
      fix: "pulumi config set --path cache.quota 50Gi",
    },
    {
      title: "half of the credentials, which stay hidden",
      values: { cache: { bucket: "ci-cache", credentials: { accessKey: "AKIA12345" } } },
      secrets: ["cache"],
      answer: "s3cr3t-key",
      problem: "cache.credentials.secretKey: must be text, and not empty",
      fix: "pulumi config set --secret --path cache.credentials.secretKey    (asks for it)",
    },
    {
      title: "an empty key",
      values: { cache: { bucket: "ci-cache", credentials: { accessKey: "AKIA12345", secretKey: " " } } },
      secrets: ["cache"],
      answer: "s3cr3t-key",
      problem: "cache.credentials.secretKey: must be text, and not empty, but is [secret]",
      fix: "pulumi config set --secret --path cache.credentials.secretKey    (asks for it)",
    },
    {
      title: "a key that is a number, which stays hidden",
      values: { cache: { bucket: "ci-cache", credentials: { accessKey: 123456789, secretKey: "s3cr3t-key" } } },
      secrets: ["cache"],
      answer: "AKIA12345",
      problem: "cache.credentials.accessKey: must be text, and not empty, but is [secret]",
      fix: "pulumi config set --secret --path cache.credentials.accessKey    (asks for it)",
    },
    {
      title: "credentials as one text, which stays hidden",
      values: { cache: { bucket: "ci-cache", credentials: "AKIA12345:s3cr3t-key" } },
      problem: "cache.credentials: must be an object with keys, but is [secret]",
      fix: "pulumi config rm --path cache.credentials    (then pulumi config set --secret --path cache.credentials.accessKey, and the same for secretKey)",
    },
    {
      title: "credentials in plain text, which stay hidden",
      values: { cache: { bucket: "ci-cache", credentials: { accessKey: "AKIA12345", secretKey: "s3cr3t-key" } } },
      answer: "s3cr3t-key",
      problem: "cache.credentials: must be encrypted, but is plain text in the stack's file",
      fix: "pulumi config set --secret --path cache.credentials.secretKey    (asks for it; the same for accessKey)",
    },
    {
      title: "credentials without a bucket",
      values: { cache: { credentials: { accessKey: "AKIA12345", secretKey: "s3cr3t-key" } } },
      secrets: ["cache"],
      problem: "cache.bucket: must be set with cache.credentials: the bucket exists already",
      fix: "pulumi config set --path cache.bucket my-cache",
    },
    {
      title: "an expiry for another's bucket",
      values: {
        cache: {
          bucket: "ci-cache",
          credentials: { accessKey: "AKIA12345", secretKey: "s3cr3t-key" },
          expireAfterDays: 7,
        },
      },
      secrets: ["cache"],
      problem:
        "cache.expireAfterDays: must not be set with cache.credentials: this stack does not own the bucket, but is [secret]",
      fix: "pulumi config rm --path cache.expireAfterDays",
    },
    {
      title: "a quota for another's bucket",
      values: {
        cache: { bucket: "ci-cache", credentials: { accessKey: "AKIA12345", secretKey: "s3cr3t-key" }, quota: "5Gi" },
      },
      secrets: ["cache"],
      problem:
        "cache.quota: must not be set with cache.credentials: this stack does not own the bucket, but is [secret]",
      fix: "pulumi config rm --path cache.quota",
    },
    {
      title: "another's bucket to delete",
      values: {
        cache: {
          bucket: "ci-cache",
          credentials: { accessKey: "AKIA12345", secretKey: "s3cr3t-key" },
          deleteWithStack: false,
        },
      },
      secrets: ["cache"],
      problem:
        "cache.deleteWithStack: must not be set with cache.credentials: this stack does not own the bucket, but is [secret]",
      fix: "pulumi config rm --path cache.deleteWithStack",
    },
    {
      title: "another's bucket to adopt",
      values: {
        cache: { bucket: "ci-cache", credentials: { accessKey: "AKIA12345", secretKey: "s3cr3t-key" }, adopt: true },
      },
      secrets: ["cache"],
      problem:
        "cache.adopt: must not be set with cache.credentials: this stack does not own the bucket, but is [secret]",
      fix: "pulumi config rm --path cache.adopt",
    },
    {
      title: "an expiry for an adopted bucket",
      values: { cache: { adopt: true, expireAfterDays: 7 } },
      problem: "cache.expireAfterDays: must not be set with cache.adopt: this stack does not own the bucket, but is 7",
      fix: "pulumi config rm --path cache.expireAfterDays",
    },
    {
      title: "a quota for an adopted bucket",
      values: { cache: { adopt: true, quota: "5Gi" } },
      problem: 'cache.quota: must not be set with cache.adopt: this stack does not own the bucket, but is "5Gi"',
      fix: "pulumi config rm --path cache.quota",
    },
    {
      title: "an adopted bucket to delete",
      values: { cache: { adopt: true, deleteWithStack: true } },
      problem:
        "cache.deleteWithStack: must not be set with cache.adopt: this stack does not own the bucket, but is true",
      fix: "pulumi config rm --path cache.deleteWithStack",
    },
    {
      title: "a bad port beside encrypted credentials, which hides the server",
      values: {
        cache: {
          bucket: "ci-cache",
          server: "s3.internal:0",
          credentials: { accessKey: "AKIA12345", secretKey: "s3cr3t-key" },
        },
      },
      secrets: ["cache"],
      problem: "cache.server: must have a port from 1 to 65535, but is [secret]",
      fix: "pulumi config set --path cache.server minio.minio.svc.cluster.local:9000",
    },
    {
      title: "a prefix with slashes around it",
      values: { cache: { path: "/gitlab.example.com/" } },
      problem:
        'cache.path: must be a prefix such as gitlab.example.com or ci/one, without / around it, but is "/gitlab.example.com/"',
      fix: "pulumi config set --path cache.path gitlab.example.com",
    },
    {
      title: "a prefix that leads out of the bucket",
      values: { cache: { path: "ci/../.." } },
      problem: 'cache.path: must not have . or .. between its slashes, but is "ci/../.."',
      fix: "pulumi config set --path cache.path gitlab.example.com",
    },
  ],
  manager: [
    {
      title: "a number in place of the manager",
      values: { manager: 4 },
      problem: "manager: must be an object with keys, but is 4",
      fix: "pulumi config set --path manager.concurrent 4",
    },
    {
      title: "no jobs at the same time",
      values: { manager: { concurrent: 0 } },
      problem: "manager.concurrent: must be at least 1, but is 0",
      fix: "pulumi config set --path manager.concurrent 4",
    },
    {
      title: "polls without end",
      values: { manager: { checkInterval: 0 } },
      problem: "manager.checkInterval: must be at least 1, but is 0",
      fix: "pulumi config set --path manager.checkInterval 30",
    },
    {
      title: "so many jobs that Helm writes their number as 1e+06",
      values: { manager: { concurrent: 1_000_000 } },
      problem: "manager.concurrent: must be at most 999999, but is 1000000",
      fix: "pulumi config set --path manager.concurrent 4",
    },
    {
      title: "an interval that Helm writes as 1e+06",
      values: { manager: { checkInterval: 1_000_000 } },
      problem: "manager.checkInterval: must be at most 999999, but is 1000000",
      fix: "pulumi config set --path manager.checkInterval 30",
    },
    {
      title: "more pods than Kubernetes counts",
      values: { manager: { replicas: 2_147_483_648 } },
      problem: "manager.replicas: must be at most 999999, but is 2147483648",
      fix: "pulumi config set --path manager.replicas 2",
    },
    {
      title: "a shutdown that takes longer than any job",
      values: { manager: { shutdownTimeout: 9_000_000_000_000_000 } },
      problem: "manager.shutdownTimeout: must be at most 2592000, but is 9000000000000000",
      fix: "pulumi config set --path manager.shutdownTimeout 3600",
    },
    {
      title: "memory without a unit, which is bytes",
      values: { manager: { resources: { limits: { memory: 512 } } } },
      problem: "manager.resources.limits.memory: must be at least 6Mi: no container starts with less, but is 512",
      fix: "pulumi config set --path manager.resources.limits.memory 512Mi",
    },
    {
      title: "a label of nodes with two dots",
      values: { manager: { nodeSelector: { "example..com/gpu": "a100" } } },
      problem:
        'manager.nodeSelector["example..com/gpu"]: must be a name such as team or example.com/team, but is "example..com/gpu"',
      fix: "pulumi config rm --path 'manager.nodeSelector[\"example..com/gpu\"]'    (then, for example, pulumi config set --path 'manager.nodeSelector[\"kubernetes.io/hostname\"]' worker-1)",
    },
    {
      title: "a label of nodes that is too long",
      values: { manager: { nodeSelector: { [`${"n".repeat(254)}/gpu`]: "a100" } } },
      problem: `manager.nodeSelector["${"n".repeat(254)}/gpu"]: must have 253 characters before the / at most, but is "${"n".repeat(199)}…`,
      fix: `pulumi config rm --path 'manager.nodeSelector["${"n".repeat(254)}/gpu"]'    (then, for example, pulumi config set --path 'manager.nodeSelector["kubernetes.io/hostname"]' worker-1)`,
    },
    {
      title: "no polls",
      values: { manager: { requestConcurrency: 0 } },
      problem: "manager.requestConcurrency: must be at least 1, but is 0",
      fix: "pulumi config set --path manager.requestConcurrency 2",
    },
    {
      title: "an amount of CPU that Kubernetes refuses",
      values: { manager: { resources: { requests: { cpu: "1.5.0" } } } },
      problem:
        'manager.resources.requests.cpu: must be a CPU quantity: cores, such as 0.5, or millicores, such as 500m, but is "1.5.0"',
      fix: "pulumi config set --path manager.resources.requests.cpu 500m",
    },
    {
      title: "less CPU than Kubernetes counts",
      values: { manager: { resources: { limits: { cpu: "0.0001" } } } },
      problem:
        'manager.resources.limits.cpu: must be a CPU quantity: cores, such as 0.5, or millicores, such as 500m, but is "0.0001"',
      fix: "pulumi config set --path manager.resources.limits.cpu 500m",
    },
    {
      title: "an amount of CPU that is none",
      values: { manager: { resources: { limits: { cpu: true } } } },
      problem: "manager.resources.limits.cpu: must be a CPU quantity, but is true",
      fix: "pulumi config set --path manager.resources.limits.cpu 500m",
    },
    {
      title: "memory with a unit that Kubernetes does not know",
      values: { manager: { resources: { requests: { memory: "512MB" } } } },
      problem:
        'manager.resources.requests.memory: must be a number of bytes, with a suffix such as Mi or Gi (m would be thousandths of a byte), but is "512MB"',
      fix: "pulumi config set --path manager.resources.requests.memory 512Mi",
    },
    {
      title: "memory in thousandths of a byte",
      values: { manager: { resources: { limits: { memory: "128m" } } } },
      problem:
        'manager.resources.limits.memory: must be a number of bytes, with a suffix such as Mi or Gi (m would be thousandths of a byte), but is "128m"',
      fix: "pulumi config set --path manager.resources.limits.memory 512Mi",
    },
    {
      title: "disk space that is no amount",
      values: { manager: { resources: { limits: { "ephemeral-storage": "lots" } } } },
      problem:
        'manager.resources.limits.ephemeral-storage: must be a number of bytes, with a suffix such as Mi or Gi (m would be thousandths of a byte), but is "lots"',
      fix: "pulumi config set --path manager.resources.limits.ephemeral-storage 10Gi",
    },
    {
      title: "a request above the limit",
      values: { manager: { resources: { requests: { cpu: 1 }, limits: { cpu: "999m" } } } },
      problem: "manager.resources.requests.cpu: must not be above the limit, 999m, but is 1",
      fix: "pulumi config set --path manager.resources.requests.cpu 999m",
    },
    {
      title: "a request of memory above the limit",
      values: { manager: { resources: { requests: { memory: "1Gi" }, limits: { memory: "1G" } } } },
      problem: 'manager.resources.requests.memory: must not be above the limit, 1G, but is "1Gi"',
      fix: "pulumi config set --path manager.resources.requests.memory 1G",
    },
    {
      title: "a label of nodes that is none",
      values: { manager: { nodeSelector: { "kubernetes.io/host name": "worker-1" } } },
      problem:
        'manager.nodeSelector["kubernetes.io/host name"]: must be a name such as team or example.com/team, but is "kubernetes.io/host name"',
      fix: "pulumi config rm --path 'manager.nodeSelector[\"kubernetes.io/host name\"]'    (then, for example, pulumi config set --path 'manager.nodeSelector[\"kubernetes.io/hostname\"]' worker-1)",
    },
    {
      title: "a label's value that is a boolean",
      values: { manager: { nodeSelector: { "example.com/gpu": true } } },
      problem: 'manager.nodeSelector["example.com/gpu"]: must be text, but is true',
      fix: "pulumi config set --type string --path 'manager.nodeSelector[\"example.com/gpu\"]' true",
    },
    {
      title: "a label's value that Kubernetes refuses",
      values: { manager: { nodeSelector: { "kubernetes.io/hostname": "my node" } } },
      problem:
        'manager.nodeSelector["kubernetes.io/hostname"]: must be the value of a label: 63 characters at most, but is "my node"',
      fix: "pulumi config set --path 'manager.nodeSelector[\"kubernetes.io/hostname\"]' worker-1",
    },
    {
      title: "a map in place of tolerations",
      values: { manager: { tolerations: { key: "ci" } } },
      problem: 'manager.tolerations: must be a list, but is {"key":"ci"}',
      fix: "pulumi config rm --path manager.tolerations    (then, for example, pulumi config set --path 'manager.tolerations[0].key' ci)",
    },
    {
      title: "a toleration that is a text",
      values: { manager: { tolerations: ["ci", { key: "spot", operator: "Exists" }] } },
      problem: 'manager.tolerations[0]: must be an object with keys, but is "ci"',
      fix: "pulumi config rm --path 'manager.tolerations[0]'    (then, for example, pulumi config set --path 'manager.tolerations[1].key' ci)",
    },
    {
      title: "an operator that does not exist",
      values: { manager: { tolerations: [{ key: "ci", operator: "exists" }] } },
      problem: 'manager.tolerations[0].operator: must be "Exists" or "Equal", but is "exists"',
      fix: "pulumi config set --path 'manager.tolerations[0].operator' Exists",
    },
    {
      title: "a value that must only exist",
      values: { manager: { tolerations: [{ key: "ci", operator: "Exists", value: "yes" }] } },
      problem: 'manager.tolerations[0].operator: must be Equal where there is a value, but is "Exists"',
      fix: "pulumi config set --path 'manager.tolerations[0].operator' Equal",
    },
    {
      title: "a toleration of nothing",
      values: { manager: { tolerations: [{ effect: "NoSchedule" }] } },
      problem: "manager.tolerations[0].operator: must be Exists where there is no key: it then tolerates every taint",
      fix: "pulumi config set --path 'manager.tolerations[0].operator' Exists",
    },
    {
      title: "a value of no key",
      values: { manager: { tolerations: [{ value: "yes" }] } },
      problem: "manager.tolerations[0].key: must be set where there is a value",
      fix: "pulumi config set --path 'manager.tolerations[0].key' ci",
    },
    {
      title: "a taint's key that is none",
      values: { manager: { tolerations: [{ key: "c i", operator: "Exists" }] } },
      problem: 'manager.tolerations[0].key: must be a name such as team or example.com/team, but is "c i"',
      fix: "pulumi config set --path 'manager.tolerations[0].key' ci",
    },
    {
      title: "a taint's value that is none",
      values: { manager: { tolerations: [{ key: "ci", value: "y e s" }] } },
      problem: 'manager.tolerations[0].value: must be the value of a label, but is "y e s"',
      fix: "pulumi config set --path 'manager.tolerations[0].value' build",
    },
    {
      title: "an effect that does not exist",
      values: { manager: { tolerations: [{ key: "ci", operator: "Exists", effect: "noschedule" }] } },
      problem:
        'manager.tolerations[0].effect: must be "NoSchedule" or "PreferNoSchedule" or "NoExecute", but is "noschedule"',
      fix: "pulumi config set --path 'manager.tolerations[0].effect' NoSchedule",
    },
    {
      title: "seconds without NoExecute",
      values: { manager: { tolerations: [{ key: "ci", operator: "Exists", tolerationSeconds: 60 }] } },
      problem: "manager.tolerations[0].effect: must be NoExecute where there are tolerationSeconds",
      fix: "pulumi config set --path 'manager.tolerations[0].effect' NoExecute",
    },
    {
      title: "seconds with a unit",
      values: {
        manager: { tolerations: [{ key: "ci", operator: "Exists", effect: "NoExecute", tolerationSeconds: "60s" }] },
      },
      problem: 'manager.tolerations[0].tolerationSeconds: must be a whole number, but is "60s"',
      fix: "pulumi config rm --path 'manager.tolerations[0].tolerationSeconds'    (then, for example, pulumi config set --path 'manager.tolerations[0].tolerationSeconds' 300)",
    },
    {
      title: "an affinity that is a text",
      values: { manager: { affinity: { nodeAffinity: "worker-1" } } },
      problem: 'manager.affinity.nodeAffinity: must be an object with keys, but is "worker-1"',
      fix: "pulumi config rm --path manager.affinity.nodeAffinity    (then, for example, write it into the stack's file)",
    },
    {
      title: "a priority class that is none",
      values: { manager: { priorityClassName: "High_Priority" } },
      problem: 'manager.priorityClassName: must be the name of a Kubernetes object, but is "High_Priority"',
      fix: "pulumi config set --path manager.priorityClassName system-cluster-critical",
    },
    {
      title: "a shutdown before its time",
      values: { manager: { shutdownTimeout: -1 } },
      problem: "manager.shutdownTimeout: must be at least 0, but is -1",
      fix: "pulumi config set --path manager.shutdownTimeout 3600",
    },
    {
      title: "a log level that does not exist",
      values: { manager: { logLevel: "verbose" } },
      problem:
        'manager.logLevel: must be "debug" or "info" or "warn" or "error" or "fatal" or "panic", but is "verbose"',
      fix: "pulumi config set --path manager.logLevel info",
    },
    {
      title: "a log format that does not exist",
      values: { manager: { logFormat: "xml" } },
      problem: 'manager.logFormat: must be "runner" or "text" or "json", but is "xml"',
      fix: "pulumi config set --path manager.logFormat runner",
    },
    {
      title: "a monitor of no metrics",
      values: { manager: { podMonitor: true } },
      problem:
        "manager.podMonitor: must be false where manager.metrics is false: there is nothing to monitor, but is true",
      fix: "pulumi config set --path manager.metrics true",
    },
    {
      title: "alerts on no metrics",
      values: { manager: { alerts: true } },
      problem: "manager.alerts: must be false where manager.metrics is false: there is nothing to monitor, but is true",
      fix: "pulumi config set --path manager.metrics true",
    },
    {
      title: "a dashboard of no metrics",
      values: { manager: { dashboard: true } },
      problem:
        "manager.dashboard: must be false where manager.metrics is false: there is nothing to monitor, but is true",
      fix: "pulumi config set --path manager.metrics true",
    },
    {
      title: "labels of nothing",
      values: { manager: { metrics: true, monitoringLabels: { release: "prometheus" } } },
      problem:
        'manager.monitoringLabels: must not be set where manager.podMonitor and manager.alerts are false: there is nothing to label, but is {"release":"prometheus"}',
      fix: "pulumi config set --path manager.podMonitor true    (or: pulumi config rm --path manager.monitoringLabels)",
    },
    {
      title: "a label's name that is none",
      values: { manager: { metrics: true, alerts: true, monitoringLabels: { "the release": "prometheus" } } },
      problem:
        'manager.monitoringLabels["the release"]: must be a name such as team or example.com/team, but is "the release"',
      fix: "pulumi config rm --path 'manager.monitoringLabels[\"the release\"]'    (then, for example, pulumi config set --path manager.monitoringLabels.release kube-prometheus-stack)",
    },
    {
      title: "a label's value that is a map",
      values: { manager: { metrics: true, podMonitor: true, monitoringLabels: { release: { name: "prometheus" } } } },
      problem: 'manager.monitoringLabels.release: must be text, but is {"name":"prometheus"}',
      fix: "pulumi config set --path manager.monitoringLabels.release kube-prometheus-stack",
    },
    {
      title: "an image that is none",
      values: { manager: { image: "GitLab Runner" } },
      problem:
        'manager.image: must be the name of a container image; must have a tag, such as :alpine-v18.9.0, but is "GitLab Runner"',
      fix: "pulumi config set --path manager.image registry.example.com/gitlab-runner:alpine-v18.9.0",
    },
    {
      title: "an image without a tag",
      values: { manager: { image: "registry.example.com:5000/gitlab-runner" } },
      problem:
        'manager.image: must have a tag, such as :alpine-v18.9.0, but is "registry.example.com:5000/gitlab-runner"',
      fix: "pulumi config set --path manager.image registry.example.com/gitlab-runner:alpine-v18.9.0",
    },
    {
      title: "an image by its digest",
      values: { manager: { image: `gitlab-runner@${digest}` } },
      problem: `manager.image: must have a tag, since GitLab's chart supports no digests, but is "gitlab-runner@${digest}"`,
      fix: "pulumi config set --path manager.image registry.example.com/gitlab-runner:alpine-v18.9.0",
    },
    {
      title: "a Secret that is none",
      values: { manager: { certsSecret: "GitLab certs" } },
      problem: 'manager.certsSecret: must be the name of a Kubernetes object, but is "GitLab certs"',
      fix: "pulumi config set --plaintext --path manager.certsSecret gitlab-certs",
    },
    {
      title: "two Secrets with certificates",
      values: { manager: { certsSecret: "gitlab-certs" }, caCertificate },
      problem:
        'manager.certsSecret: must not be set with caCertificate, which creates its own Secret, but is "gitlab-certs"',
      fix: "pulumi config rm --path manager.certsSecret    (or: pulumi config rm caCertificate)",
    },
  ],
  jobs: [
    {
      title: "broken JSON in place of the jobs, which stays hidden",
      values: { jobs: "{environment: {PASSWORD: s3cr3t-key}}" },
      problem: "jobs: must be an object with keys, but is [secret]",
      fix: "pulumi config set --path jobs.image alpine:latest",
    },
    {
      title: "a proxy in place of the environment, whose password stays hidden",
      values: { jobs: { environment: ['http://me:s3cr3t"key@proxy:3128'] } },
      problem: 'jobs.environment: must be an object with keys, but is ["http://[secret]@proxy:3128"]',
      fix: "pulumi config rm --path jobs.environment    (then, for example, pulumi config set --path jobs.environment.NO_PROXY .svc)",
    },
    {
      title: "a key in place of an image, which stays hidden",
      values: { jobs: { image: "-----BEGIN PRIVATE KEY-----\ns3cr3t-key" } },
      problem: 'jobs.image: must be the name of a container image, but is "[secret]"',
      fix: "pulumi config set --path jobs.image alpine:latest",
    },
    {
      title: "an image that is none",
      values: { jobs: { image: "-alpine" } },
      problem: 'jobs.image: must be the name of a container image, but is "-alpine"',
      fix: "pulumi config set --path jobs.image alpine:latest",
    },
    {
      title: "no image",
      values: { jobs: { image: "" } },
      problem: 'jobs.image: must be the name of a container image, but is ""',
      fix: "pulumi config set --path jobs.image alpine:latest",
    },
    ...["alpine:", "a//b", "a:1:2", "registry.example.com/Alpine", "a".repeat(64), "alpine@sha256:0123"].map(
      (image) => ({
        title: `an image that no node can pull, ${image}`,
        values: { jobs: { image } },
        problem: `jobs.image: must be the name of a container image, but is "${image}"`,
        fix: "pulumi config set --path jobs.image alpine:latest",
      }),
    ),
    {
      title: "a helper image that is none",
      values: { jobs: { helperImage: "gitlab runner helper" } },
      problem: 'jobs.helperImage: must be the name of a container image, but is "gitlab runner helper"',
      fix: "pulumi config set --path jobs.helperImage registry.example.com/gitlab-runner-helper:x86_64-v18.9.0",
    },
    {
      title: "privileged jobs under the default level",
      values: { jobs: { privileged: true } },
      problem:
        "jobs.privileged: must be false where podSecurity is baseline, its default: Kubernetes refuses privileged pods there, but is true",
      fix: "pulumi config set podSecurity privileged    (or: pulumi config set --path jobs.privileged false)",
    },
    {
      title: "a capability that the level forbids",
      values: { jobs: { capabilities: { add: ["CHOWN", "SYS_ADMIN"] } } },
      problem:
        'jobs.capabilities.add[1]: must be one that Kubernetes admits where podSecurity is baseline: AUDIT_WRITE, CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, MKNOD, NET_BIND_SERVICE, SETFCAP, SETGID, SETPCAP, SETUID, SYS_CHROOT, but is "SYS_ADMIN"',
      fix: "pulumi config set podSecurity privileged    (or: pulumi config rm --path 'jobs.capabilities.add[1]')",
    },
    {
      title: "privileged jobs under a level that forbids them",
      values: { jobs: { privileged: true }, podSecurity: "restricted" },
      problem:
        "jobs.privileged: must be false where podSecurity is restricted: Kubernetes refuses privileged pods there, but is true",
      fix: "pulumi config set podSecurity privileged    (or: pulumi config set --path jobs.privileged false)",
    },
    {
      title: "a request of the helper above its limit",
      values: {
        jobs: { helperResources: { requests: { "ephemeral-storage": "2Gi" }, limits: { "ephemeral-storage": "1Gi" } } },
      },
      problem: 'jobs.helperResources.requests.ephemeral-storage: must not be above the limit, 1Gi, but is "2Gi"',
      fix: "pulumi config set --path jobs.helperResources.requests.ephemeral-storage 1Gi",
    },
    {
      title: "a request of services above their limit",
      values: { jobs: { serviceResources: { requests: { cpu: "0.7" }, limits: { cpu: "699m" } } } },
      problem: 'jobs.serviceResources.requests.cpu: must not be above the limit, 699m, but is "0.7"',
      fix: "pulumi config set --path jobs.serviceResources.requests.cpu 699m",
    },
    {
      title: "no policy",
      values: { jobs: { pullPolicy: [] } },
      problem: "jobs.pullPolicy: must not be empty, but is []",
      fix: "pulumi config set --path 'jobs.pullPolicy[0]' if-not-present",
    },
    {
      title: "an empty text in place of a list",
      values: { jobs: { pullPolicy: "" } },
      problem: 'jobs.pullPolicy: must be a list, but is ""',
      fix: "pulumi config rm --path jobs.pullPolicy    (then, for example, pulumi config set --path 'jobs.pullPolicy[0]' if-not-present)",
    },
    {
      title: "a policy as Kubernetes writes it",
      values: { jobs: { pullPolicy: ["if-not-present", "Always"] } },
      problem: 'jobs.pullPolicy[1]: must be "always" or "if-not-present" or "never", but is "Always"',
      fix: "pulumi config set --path 'jobs.pullPolicy[1]' if-not-present",
    },
    {
      title: "a Secret that is none",
      values: { jobs: { imagePullSecrets: ["Registry Secret"] } },
      problem: 'jobs.imagePullSecrets[0]: must be the name of a Kubernetes object, but is "Registry Secret"',
      fix: "pulumi config set --plaintext --path 'jobs.imagePullSecrets[0]' registry",
    },
    {
      title: "an empty pattern",
      values: { jobs: { allowedImages: [""] } },
      problem: 'jobs.allowedImages[0]: must not be empty, but is ""',
      fix: "pulumi config set --path 'jobs.allowedImages[0]' 'registry.example.com/**'",
    },
    ...["registry.example.com/[a", "{a,b", "a}", "[]", "a\\"].map((pattern) => ({
      title: `a pattern that matches nothing, ${pattern}`,
      values: { jobs: { allowedServices: [pattern] } },
      problem: `jobs.allowedServices[0]: must be a pattern, with \\ before a bracket or brace that has no other, but is ${JSON.stringify(pattern)}`,
      fix: "pulumi config set --path 'jobs.allowedServices[0]' 'registry.example.com/**'",
    })),
    ...["${HOME:-/root}", "costs $5", "${}", "$?"].map((value) => ({
      title: `a variable whose value the runner would lose a part of, ${value}`,
      values: { jobs: { environment: { NO_PROXY: value } } },
      problem: `jobs.environment.NO_PROXY: must have a variable as $NAME or \${NAME}, and any other $ as $$, but is ${value.length > 4 ? "[secret]" : JSON.stringify(value)}`,
      fix: "pulumi config set --path jobs.environment.NO_PROXY .svc",
    })),
    {
      title: "a variable with a null character",
      values: { jobs: { environment: { NO_PROXY: "\0" } } },
      problem: "jobs.environment.NO_PROXY: must not contain a null character, but is [secret]",
      fix: "pulumi config set --path jobs.environment.NO_PROXY .svc",
    },
    {
      title: "a variable that is too long for a process",
      values: { jobs: { environment: { NO_PROXY: "x".repeat(32_769) } } },
      problem: "jobs.environment.NO_PROXY: must have 32768 characters at most, but is [secret]",
      fix: "pulumi config set --path jobs.environment.NO_PROXY .svc",
    },
    {
      title: "a variable's name that is none",
      values: { jobs: { environment: { "1ST": "x" } } },
      problem: 'jobs.environment.1ST: must be the name of a variable, but is "1ST"',
      fix: "pulumi config rm --path jobs.environment.1ST    (then, for example, pulumi config set --path jobs.environment.NO_PROXY .svc)",
    },
    {
      title: "a variable's value that is a number",
      values: { jobs: { environment: { RETRIES: 3 } } },
      problem: "jobs.environment.RETRIES: must be text, but is 3",
      fix: "pulumi config set --type string --path jobs.environment.RETRIES 3",
    },
    {
      title: "a variable's value that is negative",
      values: { jobs: { environment: { OFFSET: -3 } } },
      problem: "jobs.environment.OFFSET: must be text, but is -3",
      fix: "pulumi config set --type string --path jobs.environment.OFFSET -- -3",
    },
    {
      title: "a variable's value that is a map, which stays hidden",
      values: { jobs: { environment: { OPTIONS: { verbose: true } } } },
      problem: "jobs.environment.OPTIONS: must be text, but is [secret]",
      fix: "pulumi config set --path jobs.environment.OPTIONS .svc",
    },
    {
      title: "two tolerations of one taint",
      values: {
        jobs: {
          tolerations: [
            { key: "ci", value: "yes", effect: "NoSchedule" },
            { key: "ci", operator: "Equal", value: "yes" },
          ],
        },
      },
      problem:
        'jobs.tolerations[1]: must be the only toleration of its key and value: the runner supports one of each, but is "ci=yes"',
      fix: "pulumi config rm --path 'jobs.tolerations[1]'    (without effect, the other tolerates every effect)",
    },
    {
      title: "a toleration with seconds",
      values: {
        jobs: { tolerations: [{ key: "ci", operator: "Exists", effect: "NoExecute", tolerationSeconds: 60 }] },
      },
      problem:
        "jobs.tolerations[0].tolerationSeconds: must not be set: the runner cannot give it to job pods, but is 60",
      fix: "pulumi config rm --path 'jobs.tolerations[0].tolerationSeconds'",
    },
    {
      title: "a priority class that is none",
      values: { jobs: { priorityClassName: "ci jobs" } },
      problem: 'jobs.priorityClassName: must be the name of a Kubernetes object, but is "ci jobs"',
      fix: "pulumi config set --path jobs.priorityClassName ci",
    },
    {
      title: "a runtime class that is none",
      values: { jobs: { runtimeClassName: "gVisor" } },
      problem: 'jobs.runtimeClassName: must be the name of a Kubernetes object, but is "gVisor"',
      fix: "pulumi config set --path jobs.runtimeClassName gvisor",
    },
    {
      title: "a label of the runner's own",
      values: { jobs: { podLabels: { "job.runner.gitlab.com/pod": "x" } } },
      problem:
        'jobs.podLabels["job.runner.gitlab.com/pod"]: must not be one of the runner\'s own labels, but is "job.runner.gitlab.com/pod"',
      fix: "pulumi config rm --path 'jobs.podLabels[\"job.runner.gitlab.com/pod\"]'    (then, for example, pulumi config set --path jobs.podLabels.team platform)",
    },
    {
      title: "the label of manager pods",
      values: { jobs: { podLabels: { app: "$CI_PROJECT_NAME" } } },
      problem: 'jobs.podLabels.app: must not be app, which tells the manager\'s pods from those of jobs, but is "app"',
      fix: "pulumi config rm --path jobs.podLabels.app    (then, for example, pulumi config set --path jobs.podLabels.team platform)",
    },
    {
      title: "a label's value with a variable that is none",
      values: { jobs: { podLabels: { team: "${CI_PROJECT_ID" } } },
      problem:
        'jobs.podLabels.team: must have a variable as $NAME or ${NAME}, and any other $ as $$, but is "${CI_PROJECT_ID"',
      fix: "pulumi config set --path jobs.podLabels.team platform",
    },
    {
      title: "an annotation with a variable that is none",
      values: { jobs: { podAnnotations: { "example.com/team": "$1" } } },
      problem:
        'jobs.podAnnotations["example.com/team"]: must have a variable as $NAME or ${NAME}, and any other $ as $$, but is "$1"',
      fix: "pulumi config set --path 'jobs.podAnnotations[\"example.com/team\"]' platform",
    },
    {
      title: "a label's value with a space",
      values: { jobs: { podLabels: { team: "our platform" } } },
      problem: 'jobs.podLabels.team: must be the value of a label, but is "our platform"',
      fix: "pulumi config set --path jobs.podLabels.team platform",
    },
    {
      title: "an annotation's name that is none",
      values: { jobs: { podAnnotations: { 'say "hi"': "x" } } },
      problem:
        'jobs.podAnnotations["say \\"hi\\""]: must be a name such as team or example.com/team, but is "say \\"hi\\""',
      fix: 'pulumi config rm --path \'jobs.podAnnotations["say \\"hi\\""]\'    (then, for example, pulumi config set --path \'jobs.podAnnotations["example.com/team"]\' platform)',
    },
    {
      title: "an annotation that is a boolean",
      values: { jobs: { podAnnotations: { "example.com/scrape": false } } },
      problem: 'jobs.podAnnotations["example.com/scrape"]: must be text, but is false',
      fix: "pulumi config set --type string --path 'jobs.podAnnotations[\"example.com/scrape\"]' false",
    },
    {
      title: "an account that is none",
      values: { jobs: { serviceAccount: "CI" } },
      problem: 'jobs.serviceAccount: must be the name of a Kubernetes object, but is "CI"',
      fix: "pulumi config set --path jobs.serviceAccount ci-jobs",
    },
    {
      title: "the manager's account",
      values: { jobs: { serviceAccount: "gitlab-runner" } },
      problem:
        "jobs.serviceAccount: must not be the manager's own account, under which every job could read the runner's token, but is \"gitlab-runner\"",
      fix: "pulumi config rm --path jobs.serviceAccount    (jobs then get their own account, without permissions)",
    },
    {
      title: "a namespace that is none",
      values: { jobs: { namespace: "ci/jobs" } },
      problem: 'jobs.namespace: must be a DNS label: a-z, 0-9 and -, 63 characters at most, but is "ci/jobs"',
      fix: "pulumi config set --path jobs.namespace ci-jobs",
    },
    {
      title: "a namespace of Kubernetes' own",
      values: { jobs: { namespace: "kube-system" } },
      problem:
        'jobs.namespace: must not be default, or start with kube-: those are Kubernetes\' own, but is "kube-system"',
      fix: "pulumi config set --path jobs.namespace ci-jobs",
    },
    {
      title: "the manager's namespace",
      values: { namespace: "ci", jobs: { namespace: "ci" } },
      problem:
        'jobs.namespace: must not be the manager\'s own namespace, where jobs are anyway while this is not set, but is "ci"',
      fix: "pulumi config rm --path jobs.namespace    (or: pulumi config set --path jobs.namespace ci-jobs)",
    },
    {
      title: "a patch in place of a list",
      values: { jobs: { podSpec: { name: "dns" } } },
      lacksMore: true,
      problem: 'jobs.podSpec: must be a list, but is {"name":"dns"}',
      fix: "pulumi config rm --path jobs.podSpec    (then, for example, pulumi config set --path 'jobs.podSpec[0].name' hostname)",
    },
    {
      title: "a patch without a name",
      values: { jobs: { podSpec: [{ patch: {} }] } },
      problem: "jobs.podSpec[0].name: must be text",
      fix: "pulumi config set --path 'jobs.podSpec[0].name' hostname",
    },
    {
      title: "a patch with an empty name",
      values: { jobs: { podSpec: [{ name: "", patch: {} }] } },
      problem: 'jobs.podSpec[0].name: must not be empty, but is ""',
      fix: "pulumi config set --path 'jobs.podSpec[0].name' hostname",
    },
    {
      title: "a patch without a patch",
      values: { jobs: { podSpec: [{ name: "dns" }] } },
      problem: "jobs.podSpec[0].patch: must be an object, or a list of operations",
      fix: "pulumi config set --path 'jobs.podSpec[0].patch.hostname' ci",
    },
    {
      title: "a patch as YAML",
      values: { jobs: { podSpec: [{ name: "dns", patch: "dnsPolicy: None" }] } },
      problem: 'jobs.podSpec[0].patch: must be an object, or a list of operations, but is "dnsPolicy: None"',
      fix: "pulumi config rm --path 'jobs.podSpec[0].patch'    (then, for example, pulumi config set --path 'jobs.podSpec[0].patch.hostname' ci)",
    },
    {
      title: "a list of operations in a strategic patch",
      values: { jobs: { podSpec: [{ name: "host", patch: [{ op: "remove", path: "/hostname" }] }] } },
      problem: "jobs.podSpec[0].type: must be json where the patch is a list of operations",
      fix: "pulumi config set --path 'jobs.podSpec[0].type' json",
    },
    {
      title: "an object in a JSON patch",
      values: { jobs: { podSpec: [{ name: "host", type: "json", patch: { hostname: "ci" } }] } },
      problem: 'jobs.podSpec[0].type: must be strategic or merge where the patch is an object, but is "json"',
      fix: "pulumi config set --path 'jobs.podSpec[0].type' strategic",
    },
    {
      title: "an operation that is none",
      values: { jobs: { podSpec: [{ name: "host", type: "json", patch: ["hostname"] }] } },
      lacksMore: true,
      problem: 'jobs.podSpec[0].patch[0]: must be an operation, with op and path, but is "hostname"',
      fix: "pulumi config rm --path 'jobs.podSpec[0].patch[0]'    (then, for example, pulumi config set --path 'jobs.podSpec[0].patch[0].op' remove)",
    },
    {
      title: "an operation without a path",
      values: { jobs: { podSpec: [{ name: "host", type: "json", patch: [{ op: "remove" }] }] } },
      problem: "jobs.podSpec[0].patch[0].path: must be where it is in the pod's spec, such as /hostname",
      fix: "pulumi config set --path 'jobs.podSpec[0].patch[0].path' /hostname",
    },
    {
      title: "an operation that does not exist",
      values: { jobs: { podSpec: [{ name: "host", type: "json", patch: [{ op: "set", path: "/hostname" }] }] } },
      problem: 'jobs.podSpec[0].patch[0].op: must be add, remove, replace, move, copy or test, but is "set"',
      fix: "pulumi config set --path 'jobs.podSpec[0].patch[0].op' remove",
    },
    {
      title: "an operation without a value",
      values: { jobs: { podSpec: [{ name: "host", type: "json", patch: [{ op: "add", path: "/hostname" }] }] } },
      problem: "jobs.podSpec[0].patch[0].value: must be set with add",
      fix: "pulumi config set --path 'jobs.podSpec[0].patch[0].value' ci",
    },
    {
      title: "an operation without a source",
      values: { jobs: { podSpec: [{ name: "host", type: "json", patch: [{ op: "copy", path: "/hostname" }] }] } },
      problem: "jobs.podSpec[0].patch[0].from: must be where it is in the pod's spec, such as /hostname",
      fix: "pulumi config set --path 'jobs.podSpec[0].patch[0].from' /hostname",
    },
    {
      title: "a patch of a type that does not exist",
      values: { jobs: { podSpec: [{ name: "dns", type: "yaml", patch: {} }] } },
      problem: 'jobs.podSpec[0].type: must be "strategic" or "merge" or "json", but is "yaml"',
      fix: "pulumi config set --path 'jobs.podSpec[0].type' strategic",
    },
    {
      title: "a maximum below what jobs get",
      values: { jobs: { overwriteMaxAllowed: { build: { requests: { cpu: "100m" } } } } },
      problem:
        'jobs.overwriteMaxAllowed.build.requests.cpu: must not be below what every job gets: jobs.resources.requests.cpu is 500m, but is "100m"',
      fix: "pulumi config set --path jobs.overwriteMaxAllowed.build.requests.cpu 500m",
    },
    {
      title: "a maximum of the helper below what it gets",
      values: {
        jobs: {
          helperResources: { requests: { memory: "256Mi" } },
          overwriteMaxAllowed: { helper: { requests: { memory: "128Mi" } } },
        },
      },
      problem:
        'jobs.overwriteMaxAllowed.helper.requests.memory: must not be below what every job gets: jobs.helperResources.requests.memory is 256Mi, but is "128Mi"',
      fix: "pulumi config set --path jobs.overwriteMaxAllowed.helper.requests.memory 256Mi",
    },
    {
      title: "a maximum of services below what they get",
      values: {
        jobs: {
          serviceResources: { limits: { memory: "1Gi" } },
          overwriteMaxAllowed: { service: { limits: { memory: 5 } } },
        },
      },
      problem:
        'jobs.overwriteMaxAllowed.service.limits.memory: must not be below what every job gets: jobs.serviceResources.limits.memory is 1Gi, but is "5"',
      fix: "pulumi config set --path jobs.overwriteMaxAllowed.service.limits.memory 1Gi",
    },
    {
      title: "a maximum of the helper that is no amount",
      values: { jobs: { overwriteMaxAllowed: { helper: { limits: { memory: "much" } } } } },
      problem:
        'jobs.overwriteMaxAllowed.helper.limits.memory: must be a number of bytes, with a suffix such as Mi or Gi (m would be thousandths of a byte), but is "much"',
      fix: "pulumi config set --path jobs.overwriteMaxAllowed.helper.limits.memory 512Mi",
    },
    {
      title: "the token of an account that may do nothing",
      values: { jobs: { automountServiceAccountToken: true } },
      problem:
        "jobs.automountServiceAccountToken: must be false where jobs.serviceAccount is not set: the account that jobs then have may do nothing, but is true",
      fix: "pulumi config set --plaintext --path jobs.automountServiceAccountToken false    (or: pulumi config set --path jobs.serviceAccount ci-jobs)",
    },
  ],
  chart: [
    {
      title: "a version in place of the chart's settings, which stays hidden",
      values: { chart: ["0.86.0"] },
      problem: "chart: must be an object with keys, but is [secret]",
      fix: "pulumi config rm chart    (then, for example, pulumi config set --path chart.version 0.86.0)",
    },
    {
      title: "no exact version",
      values: { chart: { version: "0.86" } },
      problem: 'chart.version: must be the exact version of a chart, but is "0.86"',
      fix: "pulumi config set --path chart.version 0.86.0",
    },
    {
      title: "a version with a leading zero, which is none",
      values: { chart: { version: "0.086.0" } },
      problem: 'chart.version: must be the exact version of a chart, but is "0.086.0"',
      fix: "pulumi config set --path chart.version 0.86.0",
    },
    {
      title: "a chart whose runner replaces its token",
      values: { chart: { version: "0.64.4" } },
      problem:
        'chart.version: must be at least 0.65.0, the first whose runner leaves the rotation of its token to this stack, but is "0.64.4"',
      fix: "pulumi config set --path chart.version 0.86.0",
    },
    {
      title: "a chart without PodMonitor",
      values: { chart: { version: "0.84.2" }, manager: { metrics: true, podMonitor: true } },
      problem: 'chart.version: must be at least 0.85.0, the first that knows manager.podMonitor, but is "0.84.2"',
      fix: "pulumi config set --path chart.version 0.86.0",
    },
    {
      title: "a repository without scheme",
      values: { chart: { repository: "charts.gitlab.io" } },
      problem: 'chart.repository: must be the http(s) address of a Helm repository, but is "charts.gitlab.io"',
      fix: "pulumi config set --path chart.repository https://charts.gitlab.io",
    },
    {
      title: "a repository with a password, which stays hidden",
      values: { chart: { repository: "https://me:pass@charts.example.com" } },
      problem:
        'chart.repository: must be a plain address, without a password, which Pulumi\'s state would show, but is "https://[secret]@charts.example.com"',
      fix: "pulumi config set --path chart.repository https://charts.gitlab.io",
    },
    {
      title: "a repository and a path",
      values: { chart: { repository: "https://charts.example.com", path: "sandbox/chart/gitlab-runner" } },
      problem:
        'chart.repository: must not be set with chart.path, which is installed instead, but is "https://charts.example.com"',
      fix: "pulumi config rm --path chart.repository    (or: pulumi config rm --path chart.path)",
    },
    {
      title: "a path to nothing",
      values: { chart: { path: "./no-such-chart.tgz" } },
      problem:
        'chart.path: must be a file or folder that exists; a relative path starts beside Pulumi.yaml, but is "./no-such-chart.tgz"',
      fix: "helm pull gitlab-runner --repo https://charts.gitlab.io --version 0.86.0    (and then: pulumi config set --path chart.path gitlab-runner-0.86.0.tgz)",
    },
    {
      title: "an empty path",
      values: { chart: { path: "" } },
      problem: 'chart.path: must not be empty, but is ""',
      fix: "pulumi config rm --path chart.path    (to install it from the repository)",
    },
    {
      title: "no time",
      values: { chart: { timeoutSeconds: 0 } },
      problem: "chart.timeoutSeconds: must be at least 1, but is 0",
      fix: "pulumi config set --path chart.timeoutSeconds 300",
    },
    {
      title: "more time than a day",
      values: { chart: { timeoutSeconds: 9_000_000_000_000_000 } },
      problem: "chart.timeoutSeconds: must be at most 86400, but is 9000000000000000",
      fix: "pulumi config set --path chart.timeoutSeconds 300",
    },
    {
      title: "the runner's configuration",
      values: { chart: { values: { runners: { config: "[[runners]]" } } } },
      problem: "chart.values.runners: must not be set: this program sets it, from jobs and cache",
      fix: "pulumi config rm --path chart.values.runners",
    },
    {
      title: "rights of the chart's own",
      values: { chart: { values: { rbac: { create: true } } } },
      problem: "chart.values.rbac: must not be set: this program sets it",
      fix: "pulumi config rm --path chart.values.rbac",
    },
    {
      title: "a value that the manager's settings decide",
      values: { chart: { values: { concurrent: 50 } } },
      problem: "chart.values.concurrent: must not be set: this program sets it, from manager.concurrent",
      fix: "pulumi config rm --path chart.values.concurrent",
    },
    {
      title: "a value by another name than its setting",
      values: { chart: { values: { terminationGracePeriodSeconds: 60 } } },
      problem:
        "chart.values.terminationGracePeriodSeconds: must not be set: this program sets it, from manager.shutdownTimeout",
      fix: "pulumi config rm --path chart.values.terminationGracePeriodSeconds",
    },
    {
      title: "a nested value that is the program's, beside one that is not",
      values: { chart: { values: { metrics: { enabled: true, portName: "prom" } } } },
      problem: "chart.values.metrics.enabled: must not be set: this program sets it, from manager.metrics",
      fix: "pulumi config rm --path chart.values.metrics.enabled",
    },
    {
      title: "a value in place of an object of the program's",
      values: { chart: { values: { podAnnotations: null } } },
      problem: "chart.values.podAnnotations: must not be set: this program sets it",
      fix: "pulumi config rm --path chart.values.podAnnotations",
    },
    {
      title: "an annotation of the program's",
      values: { chart: { values: { podAnnotations: { "linkerd.io/inject": "disabled", team: "ci" } } } },
      problem: 'chart.values.podAnnotations["linkerd.io/inject"]: must not be set: this program sets it',
      fix: "pulumi config rm --path 'chart.values.podAnnotations[\"linkerd.io/inject\"]'",
    },
    {
      title: "a list of the program's",
      values: { chart: { values: { tolerations: [] } } },
      problem: "chart.values.tolerations: must not be set: this program sets it, from manager.tolerations",
      fix: "pulumi config rm --path chart.values.tolerations",
    },
    {
      title: "an autoscaler beside replicas",
      values: { chart: { values: { hpa: { maxReplicas: 3 } } } },
      problem: "chart.values.hpa: must not be set: this program sets it",
      fix: "pulumi config rm --path chart.values.hpa",
    },
    {
      title: "the label that the manager's pods are found by",
      values: { chart: { values: { podLabels: { app: "runner", team: "ci" } } } },
      problem: "chart.values.podLabels.app: must not be set: this program sets it",
      fix: "pulumi config rm --path chart.values.podLabels.app",
    },
    {
      title: "a file that the chart makes",
      values: { chart: { values: { configMaps: { "config.template.toml": "[[runners]]", "notes.txt": "x" } } } },
      problem: 'chart.values.configMaps["config.template.toml"]: must not be set: this program sets it',
      fix: "pulumi config rm --path 'chart.values.configMaps[\"config.template.toml\"]'",
    },
    {
      title: "a variable that the runner takes for a setting",
      values: { chart: { values: { extraEnv: { KUBERNETES_PRIVILEGED: "true", GODEBUG: "x" } } } },
      problem:
        "chart.values.extraEnv.KUBERNETES_PRIVILEGED: must not be set: the runner reads this variable as a setting, and this program manages those",
      fix: "pulumi config rm --path chart.values.extraEnv.KUBERNETES_PRIVILEGED",
    },
    {
      title: "a variable from a Secret that the runner takes for its token",
      values: { chart: { values: { extraEnvFrom: { CI_SERVER_TOKEN: { secretKeyRef: { name: "x", key: "y" } } } } } },
      problem:
        "chart.values.extraEnvFrom.CI_SERVER_TOKEN: must not be set: the runner reads this variable as a setting, and this program manages those",
      fix: "pulumi config rm --path chart.values.extraEnvFrom.CI_SERVER_TOKEN",
    },
    {
      title: "a listed variable that the runner takes for a setting",
      values: {
        chart: {
          values: {
            envVars: [
              { name: "GODEBUG", value: "x" },
              { name: "CACHE_TYPE", value: "gcs" },
            ],
          },
        },
      },
      problem:
        "chart.values.envVars[1]: must not be set: the runner reads this variable as a setting, and this program manages those",
      fix: "pulumi config rm --path 'chart.values.envVars[1]'",
    },
  ],
  quota: [
    {
      title: "an amount in place of the quota",
      values: { quota: "8" },
      problem: "quota: must be an object with keys, but is 8",
      fix: "pulumi config set --path 'quota[\"requests.cpu\"]' 8",
    },
    {
      title: "a resource that does not exist",
      values: { quota: { "Requests CPU": 8 } },
      problem:
        'quota["Requests CPU"]: must be the name of a resource, such as requests.cpu, limits.memory or pods; did you mean requests.cpu?, but is "Requests CPU"',
      fix: "pulumi config rm --path 'quota[\"Requests CPU\"]'    (then, for example, pulumi config set --path 'quota[\"requests.cpu\"]' 8)",
    },
    {
      title: "a quota that is no quantity",
      values: { quota: { "requests.cpu": "eight" } },
      problem: 'quota["requests.cpu"]: must be a Kubernetes quantity, but is "eight"',
      fix: "pulumi config set --path 'quota[\"requests.cpu\"]' 8",
    },
    {
      title: "a quota below nothing",
      values: { quota: { "limits.memory": "-1Gi" } },
      problem: 'quota["limits.memory"]: must be a Kubernetes quantity, but is "-1Gi"',
      fix: "pulumi config set --path 'quota[\"limits.memory\"]' 16Gi",
    },
    {
      title: "a quota that is a boolean",
      values: { quota: { pods: true } },
      problem: "quota.pods: must be a Kubernetes quantity, but is true",
      fix: "pulumi config set --path quota.pods 20",
    },
    {
      title: "half a pod",
      values: { quota: { pods: "1.5" } },
      problem: 'quota.pods: must be a whole number, but is "1.5"',
      fix: "pulumi config set --path quota.pods 20",
    },
    {
      title: "a resource by nearly its name",
      values: { quota: { "request.cpu": 8 } },
      problem:
        'quota["request.cpu"]: must be the name of a resource, such as requests.cpu, limits.memory or pods; did you mean requests.cpu?, but is "request.cpu"',
      fix: "pulumi config rm --path 'quota[\"request.cpu\"]'    (then, for example, pulumi config set --path 'quota[\"requests.cpu\"]' 8)",
    },
    {
      title: "a device without requests",
      values: { quota: { "nvidia.com/gpu": 4 } },
      problem:
        'quota["nvidia.com/gpu"]: must be the name of a resource, such as requests.cpu, limits.memory or pods; did you mean requests.nvidia.com/gpu?, but is "nvidia.com/gpu"',
      fix: "pulumi config rm --path 'quota[\"nvidia.com/gpu\"]'    (then, for example, pulumi config set --path 'quota[\"requests.nvidia.com/gpu\"]' 8)",
    },
    {
      title: "an object that Kubernetes does not count",
      values: { quota: { "count/pod": 40 } },
      problem:
        'quota["count/pod"]: must be the name of a resource, such as requests.cpu, limits.memory or pods; did you mean count/pods?, but is "count/pod"',
      fix: "pulumi config rm --path 'quota[\"count/pod\"]'    (then, for example, pulumi config set --path 'quota[\"count/pods\"]' 8)",
    },
    {
      title: "a helper that requests more than a container may have",
      values: {
        quota: { pods: 20 },
        jobs: { helperResources: { requests: { cpu: "2500m" }, limits: { cpu: 3 } } },
      },
      problem:
        'jobs.helperResources.requests.cpu: must not be above the limit that a container without one gets where there is a quota: jobs.resources.limits.cpu is 2, but is "2500m"',
      fix: "pulumi config set --path jobs.helperResources.requests.cpu 2    (or: pulumi config set --path jobs.resources.limits.cpu 2500m)",
    },
    {
      title: "a build that may have less than the helper requests",
      values: { quota: { pods: 20 }, jobs: { resources: { limits: { memory: "32Mi" } } } },
      problem:
        'jobs.helperResources.requests.memory: must not be above the limit that a container without one gets where there is a quota: jobs.resources.limits.memory is 32Mi, but is "64Mi"',
      fix: "pulumi config set --path jobs.resources.limits.memory 64Mi",
    },
    {
      title: "a service that requests more than the limit that it gets",
      values: { quota: { pods: 20 }, jobs: { serviceResources: { requests: { memory: "4Gi" } } } },
      problem:
        'jobs.serviceResources.requests.memory: must not be above the limit that a container without one gets where there is a quota: jobs.resources.limits.memory is 2Gi, but is "4Gi"',
      fix: "pulumi config set --path jobs.serviceResources.limits.memory 4Gi    (or: pulumi config set --path jobs.serviceResources.requests.memory 2Gi)",
    },
    {
      title: "a manager that requests more than the limit that it gets",
      values: { quota: { pods: 20 }, manager: { resources: { requests: { cpu: 3 } } } },
      problem:
        'manager.resources.requests.cpu: must not be above the limit that a container without one gets where there is a quota: jobs.resources.limits.cpu is 2, but is "3"',
      fix: "pulumi config set --path manager.resources.limits.cpu 3    (or: pulumi config set --path manager.resources.requests.cpu 2)",
    },
    {
      title: "a quota of limits, and a build without",
      values: { quota: { "limits.memory": "32Gi" }, jobs: { resources: { requests: { memory: "3Gi" } } } },
      problem:
        'jobs.resources.limits.memory: must be set with quota["limits.memory"]: Kubernetes refuses pods of which a container has none',
      fix: "pulumi config set --path jobs.resources.limits.memory 3Gi    (or: pulumi config rm --path 'quota[\"limits.memory\"]')",
    },
    {
      title: "a quota of requests, and a helper without",
      values: {
        quota: { cpu: 8 },
        jobs: { resources: { requests: { cpu: 1 } }, helperResources: { limits: { memory: "1Gi" } } },
      },
      problem:
        "jobs.helperResources.requests.cpu: must be set with quota.cpu: Kubernetes refuses pods of which a container has none",
      fix: "pulumi config set --path jobs.helperResources.requests.cpu 100m    (or: pulumi config rm --path quota.cpu)",
    },
    {
      title: "a quota of disk space that no container has",
      values: { quota: { "limits.ephemeral-storage": "100Gi" } },
      problem:
        'quota["limits.ephemeral-storage"]: must not be set while jobs.resources has none: Kubernetes counts only containers that have it, but is "100Gi"',
      fix: "pulumi config rm --path 'quota[\"limits.ephemeral-storage\"]'    (or set it in jobs.resources, which is replaced as a whole)",
    },
    {
      title: "a quota that is too small for the jobs and the manager",
      values: { quota: { "requests.cpu": "2499m" } },
      problem:
        'quota["requests.cpu"]: must be enough for all jobs that run at the same time, at least 2500m: 4 jobs of 600m each and 1 manager of 100m, but is "2499m"',
      fix: "pulumi config set --path 'quota[\"requests.cpu\"]' 2500m    (or: pulumi config set --path manager.concurrent 3)",
    },
    {
      title: "a quota that is too small for the jobs of two managers elsewhere",
      values: {
        quota: { "limits.memory": "35Gi" },
        manager: { concurrent: 8, replicas: 2 },
        jobs: { namespace: "ci-jobs" },
      },
      problem:
        'quota["limits.memory"]: must be enough for all jobs that run at the same time, at least 36Gi: 16 jobs of 2304Mi each, but is "35Gi"',
      fix: "pulumi config set --path 'quota[\"limits.memory\"]' 36Gi    (or: pulumi config set --path manager.concurrent 7)",
    },
    {
      title: "a quota that is too small for one job",
      values: { quota: { "limits.cpu": 1 }, manager: { concurrent: 1, replicas: 2 } },
      problem:
        'quota["limits.cpu"]: must be enough for all jobs that run at the same time, at least 5400m: 2 jobs of 2500m each and 2 managers of 200m each, but is "1"',
      fix: "pulumi config set --path 'quota[\"limits.cpu\"]' 5400m",
    },
    {
      title: "fewer pods than jobs and managers",
      values: { quota: { pods: 4 } },
      problem:
        'quota.pods: must be enough for all jobs that run at the same time, at least 5: 4 jobs and 1 manager, but is "4"',
      fix: "pulumi config set --path quota.pods 5    (or: pulumi config set --path manager.concurrent 3)",
    },
  ],
  networkPolicy: [
    {
      title: "a word for a policy",
      values: { networkPolicy: "yes" },
      problem: 'networkPolicy: must be true, false, or an object with keys, but is "yes"',
      fix: "pulumi config set networkPolicy true",
    },
    {
      title: "an address without its range",
      values: { networkPolicy: { gitlab: ["10.0.0.1"] } },
      problem:
        'networkPolicy.gitlab[0]: must be a range of addresses, such as 10.0.0.0/8, or an object with keys, but is "10.0.0.1"',
      fix: "pulumi config set --path 'networkPolicy.gitlab[0]' 10.0.0.0/8",
    },
    {
      title: "no address",
      values: { networkPolicy: { apiServer: [] } },
      problem: "networkPolicy.apiServer: must not be empty, but is []",
      fix: "pulumi config set --path 'networkPolicy.apiServer[0]' 10.0.0.0/8",
    },
    {
      title: "a range that does not start with its first address",
      values: { networkPolicy: { jobs: ["10.20.30.40/12"] } },
      problem:
        'networkPolicy.jobs[0]: must start with the first address of its range: 10.16.0.0/12, but is "10.20.30.40/12"',
      fix: "pulumi config set --path 'networkPolicy.jobs[0]' 10.16.0.0/12",
    },
    {
      title: "a range in IPv6 that does not start with its first address",
      values: { networkPolicy: { jobs: ["fd00:1::1/33"] } },
      problem:
        'networkPolicy.jobs[0]: must start with the first address of its range: fd00:1::/33, but is "fd00:1::1/33"',
      fix: "pulumi config set --path 'networkPolicy.jobs[0]' fd00:1::/33",
    },
    {
      title: "a range of IPv4 that is written as IPv6",
      values: { networkPolicy: { jobs: ["::ffff:10.0.0.0/104"] } },
      problem:
        'networkPolicy.jobs[0]: must not be a range of IPv4 addresses that are written as IPv6, but is "::ffff:10.0.0.0/104"',
      fix: "pulumi config set --path 'networkPolicy.jobs[0]' 10.0.0.0/8",
    },
    {
      title: "a range that is a name",
      values: { networkPolicy: { cache: ["10.0.0.0/8", "minio.example.com"] } },
      problem:
        'networkPolicy.cache[1]: must be a range of addresses, such as 10.0.0.0/8, or an object with keys, but is "minio.example.com"',
      fix: "pulumi config set --path 'networkPolicy.cache[1]' 10.0.0.0/8",
    },
    {
      title: "a range beyond the last bit",
      values: { networkPolicy: { jobs: ["10.0.0.0/33"] } },
      problem:
        'networkPolicy.jobs[0]: must be a range of addresses, such as 10.0.0.0/8, or an object with keys, but is "10.0.0.0/33"',
      fix: "pulumi config set --path 'networkPolicy.jobs[0]' 10.0.0.0/8",
    },
    {
      title: "a destination with a range that is a name",
      values: { networkPolicy: { manager: [{ cidr: "proxy.example.com", ports: [3128] }] } },
      problem:
        'networkPolicy.manager[0].cidr: must be a range of addresses, such as 10.0.0.0/8, but is "proxy.example.com"',
      fix: "pulumi config set --path 'networkPolicy.manager[0].cidr' 10.0.0.0/8",
    },
    {
      title: "a destination by another key",
      values: { networkPolicy: { jobs: [{ cidr: "10.0.0.0/8", port: 3128 }] } },
      problem: "networkPolicy.jobs[0].port: there is no such key; did you mean networkPolicy.jobs[0].ports?",
      fix: "pulumi config rm --path 'networkPolicy.jobs[0].port'    (keys there: cidr, namespace, ports)",
    },
    {
      title: "a port that does not exist",
      values: { networkPolicy: { apiServer: [{ cidr: "10.0.0.0/8", ports: [70_000] }] } },
      problem: "networkPolicy.apiServer[0].ports[0]: must be at most 65535, but is 70000",
      fix: "pulumi config set --path 'networkPolicy.apiServer[0].ports[0]' 3128",
    },
    {
      title: "a port as a name",
      values: { networkPolicy: { cache: [{ namespace: "minio", ports: ["https"] }] } },
      problem: 'networkPolicy.cache[0].ports[0]: must be a whole number, but is "https"',
      fix: "pulumi config rm --path 'networkPolicy.cache[0].ports[0]'    (then, for example, pulumi config set --path 'networkPolicy.cache[0].ports[0]' 3128)",
    },
    {
      title: "a destination that is nowhere",
      values: { networkPolicy: { manager: [{ ports: [3128] }] } },
      problem: 'networkPolicy.manager[0]: must have either cidr or namespace, but is {"ports":[3128]}',
      fix: "pulumi config set --path 'networkPolicy.manager[0].cidr' 10.0.0.0/8    (or: pulumi config set --path 'networkPolicy.manager[0].namespace' gitlab)",
    },
    ...["cache", "apiServer", "jobs"].map((key) => ({
      title: `a destination of ${key} that is nowhere`,
      values: { networkPolicy: { [key]: [{ ports: [8443] }] } },
      problem: `networkPolicy.${key}[0]: must have either cidr or namespace, but is {"ports":[8443]}`,
      fix: `pulumi config set --path 'networkPolicy.${key}[0].cidr' 10.0.0.0/8    (or: pulumi config set --path 'networkPolicy.${key}[0].namespace' gitlab)`,
    })),
    {
      title: "a destination in two places",
      values: { networkPolicy: { gitlab: ["10.0.0.0/8", { cidr: "10.0.0.5/32", namespace: "gitlab" }] } },
      problem:
        'networkPolicy.gitlab[1].cidr: must not be set with namespace: a destination is one or the other, but is "10.0.0.5/32"',
      fix: "pulumi config rm --path 'networkPolicy.gitlab[1].cidr'    (or: pulumi config rm --path 'networkPolicy.gitlab[1].namespace')",
    },
  ],
  "other keys of the runner's configuration": [
    {
      title: "a key of the runner by another name",
      values: { runnerConfig: { kubernetes: { pol_interval: 5 } } },
      problem:
        "runnerConfig.kubernetes.pol_interval: there is no such key; did you mean runnerConfig.kubernetes.poll_interval?",
      fix: "pulumi config rm --path runnerConfig.kubernetes.pol_interval",
    },
    {
      title: "a key with text for a number",
      values: { runnerConfig: { kubernetes: { poll_interval: "5s" } } },
      problem: 'runnerConfig.kubernetes.poll_interval: must be a whole number, but is "5s"',
      fix: "pulumi config rm --path runnerConfig.kubernetes.poll_interval    (then, for example, pulumi config set --path runnerConfig.kubernetes.poll_interval 60)",
    },
    {
      title: "a duration without a unit",
      values: { runnerConfig: { unhealthy_interval: "90" } },
      problem: 'runnerConfig.unhealthy_interval: must be a duration, such as 90s, 10m or 1h30m, but is "90"',
      fix: "pulumi config set --path runnerConfig.unhealthy_interval 10m",
    },
    {
      title: "a key that has a setting",
      values: { runnerConfig: { kubernetes: { image: "debian:13" } } },
      problem: "runnerConfig.kubernetes.image: must not be set: jobs.image is the setting for it",
      fix: "pulumi config rm --path runnerConfig.kubernetes.image",
    },
    {
      title: "a limit that has a setting",
      values: { runnerConfig: { kubernetes: { helper_cpu_limit: "1" } } },
      problem: "runnerConfig.kubernetes.helper_cpu_limit: must not be set: jobs.helperResources is the setting for it",
      fix: "pulumi config rm --path runnerConfig.kubernetes.helper_cpu_limit",
    },
    {
      title: "a secret, which the ConfigMap would show",
      values: { runnerConfig: { cache: { s3: { SecretKey: "s3cr3t-key" } } } },
      problem: "runnerConfig.cache.s3.SecretKey: must not be set: cache.credentials is the setting for it",
      fix: "pulumi config rm --path runnerConfig.cache.s3.SecretKey",
    },
    {
      title: "a way for a job to another account",
      values: { runnerConfig: { kubernetes: { service_account_overwrite_allowed: ".*" } } },
      problem:
        "runnerConfig.kubernetes.service_account_overwrite_allowed: must not be set: a job could take the permissions of another account",
      fix: "pulumi config rm --path runnerConfig.kubernetes.service_account_overwrite_allowed",
    },
    {
      title: "a key that the chart's runner does not know yet",
      values: { runnerConfig: { get_sources_timeout: "10m" } },
      problem:
        "runnerConfig.get_sources_timeout: must not be set with chart 0.86.0: it needs GitLab Runner 19.1 or newer",
      fix: "pulumi config set --path chart.version 0.90.0    (or: pulumi config rm --path runnerConfig.get_sources_timeout)",
    },
  ],
  "keys that contradict each other": [
    {
      title: "a project runner without its project",
      values: { projectId: 0 },
      problem: "projectId: must be set: a runner of type project needs the id of its project",
      fix: "pulumi config set projectId 12345678    (GitLab shows the id on the project's page, in its menu)",
    },
    {
      title: "a group runner without its group",
      values: { projectId: 0, runnerType: "group" },
      problem: "groupId: must be set: a runner of type group needs the id of its group",
      fix: "pulumi config set groupId 12345678    (GitLab shows the id on the group's page, in its menu)",
    },
    {
      title: "a group runner with a project",
      values: { projectId: 2, runnerType: "group", groupId: 1 },
      problem: "projectId: must not be set for a runner of type group, but is 2",
      fix: "pulumi config rm projectId    (or: pulumi config set runnerType project)",
    },
    {
      title: "a project runner with a group",
      values: { groupId: 2 },
      problem: "groupId: must not be set for a runner of type project, but is 2",
      fix: "pulumi config rm groupId    (or: pulumi config set runnerType group)",
    },
    {
      title: "an instance runner with a project",
      values: { runnerType: "instance" },
      problem: "projectId: must not be set for a runner of type instance, but is 1",
      fix: "pulumi config rm projectId    (or: pulumi config set runnerType project)",
    },
    {
      title: "further projects of a group runner",
      values: { projectId: 0, runnerType: "group", groupId: 1, extraProjects: [2] },
      problem:
        "extraProjects: must not be set for a runner of type group, which serves all its projects anyway, but is [2]",
      fix: "pulumi config rm extraProjects    (or: pulumi config set runnerType project)",
    },
    {
      title: "further projects of a locked runner",
      values: { extraProjects: [2], locked: true },
      problem:
        "locked: must be false with extraProjects: GitLab does not enable a locked runner for other projects (403), but is true",
      fix: "pulumi config set locked false    (or: pulumi config rm extraProjects)",
    },
    {
      title: "the owner among the further projects",
      values: { extraProjects: [2, 1] },
      problem: "extraProjects[1]: must not name the project that owns the runner, but is 1",
      fix: "pulumi config rm --path 'extraProjects[1]'",
    },
    {
      title: "a further project twice",
      values: { extraProjects: ["group/project", 3, "group/project"] },
      problem: 'extraProjects[2]: must name each project once, but is "group/project"',
      fix: "pulumi config rm --path 'extraProjects[2]'",
    },
    {
      title: "a tag twice",
      values: { tags: ["ci", "arm64", "ci"] },
      problem: 'tags[2]: must name each tag once, but is "ci"',
      fix: "pulumi config rm --path 'tags[2]'",
    },
    {
      title: "a runner that no job can reach",
      values: { tags: [] },
      problem:
        "tags: must not be empty without runUntagged: no job would reach the runner, and GitLab refuses it, but is []",
      fix: "pulumi config set --path 'tags[0]' kubernetes    (or: pulumi config set runUntagged true)",
    },
    {
      title: "a token in plain text, which stays hidden",
      values: { projectId: 0, runnerToken: "glrt-0123456789abcdefghij" },
      answer: "glrt-9876543210abcdefghij",
      problem: "runnerToken: must be encrypted, but is plain text in the stack's file",
      fix: "pulumi config set --secret runnerToken    (asks for it; reset the token in GitLab first, as it was in the open)",
    },
    {
      title: "runnerType of a runner that exists",
      values: { projectId: 0, runnerToken: "glrt-0123456789abcdefghij", runnerType: "instance" },
      secrets: ["runnerToken"],
      problem:
        'runnerType: must not be set with runnerToken: GitLab manages the settings of an existing runner, but is "instance"',
      fix: "pulumi config rm runnerType    (or, to create a runner: pulumi config rm runnerToken)",
    },
    {
      title: "groupId of a runner that exists",
      values: { projectId: 0, runnerToken: "glrt-0123456789abcdefghij", groupId: 2 },
      secrets: ["runnerToken"],
      problem: "groupId: must not be set with runnerToken: GitLab manages the settings of an existing runner, but is 2",
      fix: "pulumi config rm groupId    (or, to create a runner: pulumi config rm runnerToken)",
    },
    {
      title: "extraProjects of a runner that exists",
      values: { projectId: 0, runnerToken: "glrt-0123456789abcdefghij", extraProjects: [2] },
      secrets: ["runnerToken"],
      problem:
        "extraProjects: must not be set with runnerToken: GitLab manages the settings of an existing runner, but is [2]",
      fix: "pulumi config rm extraProjects    (or, to create a runner: pulumi config rm runnerToken)",
    },
    {
      title: "tags of a runner that exists",
      values: { projectId: 0, runnerToken: "glrt-0123456789abcdefghij", tags: ["ci"] },
      secrets: ["runnerToken"],
      problem:
        'tags: must not be set with runnerToken: GitLab manages the settings of an existing runner, but is ["ci"]',
      fix: "pulumi config rm tags    (or, to create a runner: pulumi config rm runnerToken)",
    },
    {
      title: "runUntagged of a runner that exists",
      values: { projectId: 0, runnerToken: "glrt-0123456789abcdefghij", runUntagged: true },
      secrets: ["runnerToken"],
      problem:
        "runUntagged: must not be set with runnerToken: GitLab manages the settings of an existing runner, but is true",
      fix: "pulumi config rm runUntagged    (or, to create a runner: pulumi config rm runnerToken)",
    },
    {
      title: "locked of a runner that exists",
      values: { projectId: 0, runnerToken: "glrt-0123456789abcdefghij", locked: true },
      secrets: ["runnerToken"],
      problem:
        "locked: must not be set with runnerToken: GitLab manages the settings of an existing runner, but is true",
      fix: "pulumi config rm locked    (or, to create a runner: pulumi config rm runnerToken)",
    },
    {
      title: "paused of a runner that exists",
      values: { projectId: 0, runnerToken: "glrt-0123456789abcdefghij", paused: true },
      secrets: ["runnerToken"],
      problem:
        "paused: must not be set with runnerToken: GitLab manages the settings of an existing runner, but is true",
      fix: "pulumi config rm paused    (or, to create a runner: pulumi config rm runnerToken)",
    },
    {
      title: "protectedOnly of a runner that exists",
      values: { projectId: 0, runnerToken: "glrt-0123456789abcdefghij", protectedOnly: true },
      secrets: ["runnerToken"],
      problem:
        "protectedOnly: must not be set with runnerToken: GitLab manages the settings of an existing runner, but is true",
      fix: "pulumi config rm protectedOnly    (or, to create a runner: pulumi config rm runnerToken)",
    },
    {
      title: "description of a runner that exists",
      values: { projectId: 0, runnerToken: "glrt-0123456789abcdefghij", description: "ci" },
      secrets: ["runnerToken"],
      problem:
        'description: must not be set with runnerToken: GitLab manages the settings of an existing runner, but is "ci"',
      fix: "pulumi config rm description    (or, to create a runner: pulumi config rm runnerToken)",
    },
    {
      title: "maintenanceNote of a runner that exists",
      values: { projectId: 0, runnerToken: "glrt-0123456789abcdefghij", maintenanceNote: "ci" },
      secrets: ["runnerToken"],
      problem:
        'maintenanceNote: must not be set with runnerToken: GitLab manages the settings of an existing runner, but is "ci"',
      fix: "pulumi config rm maintenanceNote    (or, to create a runner: pulumi config rm runnerToken)",
    },
    {
      title: "maximumTimeout of a runner that exists",
      values: { projectId: 0, runnerToken: "glrt-0123456789abcdefghij", maximumTimeout: 3600 },
      secrets: ["runnerToken"],
      problem:
        "maximumTimeout: must not be set with runnerToken: GitLab manages the settings of an existing runner, but is 3600",
      fix: "pulumi config rm maximumTimeout    (or, to create a runner: pulumi config rm runnerToken)",
    },
    {
      title: "a project of a runner that exists",
      values: { projectId: 2, runnerToken: "glrt-0123456789abcdefghij" },
      secrets: ["runnerToken"],
      problem:
        "projectId: must not be set with runnerToken: GitLab manages the settings of an existing runner, but is 2",
      fix: "pulumi config rm projectId    (or, to create a runner: pulumi config rm runnerToken)",
    },
    {
      title: "Linkerd under a level that forbids it",
      values: { linkerd: true, podSecurity: "restricted" },
      problem:
        'podSecurity: must be privileged or baseline with linkerd, whose init container needs more permissions, but is "restricted"',
      fix: "pulumi config set podSecurity privileged    (or baseline, where Linkerd's CNI plugin is installed)",
    },
  ],
  "values of encrypted keys stay hidden": [
    {
      title: "a description of a runner that exists",
      values: { projectId: 0, runnerToken: "glrt-0123456789abcdefghij", description: "s3cr3t-text" },
      secrets: ["runnerToken", "description"],
      problem:
        "description: must not be set with runnerToken: GitLab manages the settings of an existing runner, but is [secret]",
      fix: "pulumi config rm description    (or, to create a runner: pulumi config rm runnerToken)",
    },
    {
      title: "GitLab's address",
      values: { gitlabUrl: "https://s3cr3t.example.com/api/v4" },
      secrets: ["gitlabUrl"],
      problem: "gitlabUrl: must be GitLab's own address, without /api/v4, query or user name, but is [secret]",
      fix: "pulumi config set gitlabUrl https://gitlab.com",
    },
    {
      title: "a tag",
      values: { tags: ["s3cr3t-1,s3cr3t-2"] },
      secrets: ["tags"],
      problem: "tags[0]: must be one tag, without a comma, or a space or quote at its ends, but is [secret]",
      fix: "pulumi config set --path 'tags[0]' kubernetes",
    },
    {
      title: "a request above its limit",
      values: { jobs: { resources: { requests: { cpu: 7 }, limits: { cpu: 6 } } } },
      secrets: ["jobs"],
      problem: "jobs.resources.requests.cpu: must not be above the limit, but is [secret]",
      fix: "pulumi config set --path jobs.resources.requests.cpu 500m",
    },
    {
      title: "a maximum below what jobs get",
      values: { jobs: { resources: { limits: { cpu: 7 } }, overwriteMaxAllowed: { build: { limits: { cpu: 6 } } } } },
      secrets: ["jobs"],
      problem:
        "jobs.overwriteMaxAllowed.build.limits.cpu: must not be below what every job gets, jobs.resources.limits.cpu, but is [secret]",
      fix: "pulumi config rm --path jobs.overwriteMaxAllowed.build.limits.cpu",
    },
    {
      title: "the sum that a quota must have room for",
      values: { quota: { "requests.cpu": 1 }, jobs: { resources: { requests: { cpu: "700700700m" } } } },
      secrets: ["jobs"],
      problem: 'quota["requests.cpu"]: must be enough for all jobs that run at the same time, but is "1"',
      fix: "pulumi config rm --path 'quota[\"requests.cpu\"]'",
    },
    {
      title: "the limit of another key",
      values: {
        quota: { pods: 20 },
        jobs: { resources: { limits: { cpu: 2 } } },
        manager: { resources: { requests: { cpu: 3 } } },
      },
      secrets: ["jobs"],
      problem:
        'manager.resources.requests.cpu: must not be above the limit that a container without one gets where there is a quota, jobs.resources.limits.cpu, but is "3"',
      fix: "pulumi config rm --path manager.resources.requests.cpu",
    },
    {
      title: "a variable",
      values: { jobs: { environment: { PASSWORD: 20260101 } } },
      secrets: ["jobs"],
      answer: "20260101",
      problem: "jobs.environment.PASSWORD: must be text, but is [secret]",
      fix: "pulumi config set --secret --type string --path jobs.environment.PASSWORD    (asks for it)",
    },
    {
      title: "a key that does not exist",
      values: { password: "s3cr3t-text" },
      secrets: ["password"],
      problem: "password: there is no such key",
      fix: `pulumi config rm password    (keys there: ${topLevelKeys})`,
    },
  ],
};
