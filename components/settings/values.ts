import { z } from "zod";
import { parseQuantity } from "../quantity.ts";

// Values that several settings have in common.

const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** A DNS subdomain, as https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ has it. */
const subdomain = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";

/** A DNS label, as Kubernetes requires for the name of a namespace; see https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
export const dnsLabel = z.string().regex(label, "must be a DNS label: a-z, 0-9 and -, 63 characters at most");

/** Whether Kubernetes keeps a namespace for itself; it makes `default` in each cluster: https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/#initial-namespaces */
export function isSystemNamespace(name: string): boolean {
  return name === "default" || name.startsWith("kube-");
}

/** Name of a namespace to create. */
export const namespaceName = dnsLabel.refine(
  (name) => !isSystemNamespace(name),
  "must not be default, or start with kube-: those are Kubernetes' own",
);

/** Name of a Kubernetes object: a DNS subdomain. */
export const objectName = z
  .string()
  .max(253)
  .regex(new RegExp(`^${subdomain}$`), "must be the name of a Kubernetes object");

/**
 * A number that the chart writes into the runner's TOML. Helm has all numbers as float64, and Go's templates print those from
 * a million on as `1e+06`, which TOML takes for no integer: https://toml.io/en/v1.0.0#integer
 */
export const chartInteger = z.int().min(1).max(999_999);

/** Number of bytes as a Kubernetes quantity, such as `512Mi`. */
export const bytes = z
  .union([z.string(), z.number()], { error: "must be a number of bytes" })
  .transform(String)
  .refine(
    (text) => parseQuantity(text) !== undefined && !text.endsWith("m"),
    "must be a number of bytes, with a suffix such as Mi or Gi (m would be thousandths of a byte)",
  )
  .meta({ example: "512Mi" });

/** Name of a label or annotation; see https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/ */
export const labelKey = z
  .string()
  .regex(
    new RegExp(`^(${subdomain}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`),
    "must be a name such as team or example.com/team",
  )
  .refine((name) => name.lastIndexOf("/") <= 253, "must have 253 characters before the / at most");

/** What the value of a label looks like. */
export const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/** Labels by name. */
export const labels = z.record(
  labelKey,
  z.string().regex(labelValue, "must be the value of a label: 63 characters at most"),
);

/** Labels that a node must have. */
export const nodeSelector = labels.meta({ example: { "kubernetes.io/hostname": "worker-1" } });

const path = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const domain = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";

/** As in https://github.com/distribution/reference/blob/main/regexp.go; what has no dot or port is a registry only as `localhost`. */
const imageReference = new RegExp(
  `^(?<name>(?:(?:localhost|(?=[^/]*[.:])(?:${domain}(?:\\.${domain})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?)/)?${path}(?:/${path})*)` +
    "(?::\\w[\\w.-]{0,127})?(?:@(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}))?$",
);

/** Name of a container image. Kubernetes takes any text, and a pod with one that is none waits for it without end. */
export const image = z
  .string()
  .refine((text) => {
    const { name = "" } = imageReference.exec(text)?.groups ?? {};
    // Docker takes a name of 64 hexadecimal digits for an id: https://github.com/distribution/reference/blob/main/normalize.go
    return name !== "" && name.length <= 255 && !/^[a-f0-9]{64}$/.test(text);
  }, "must be the name of a container image")
  .meta({ example: "alpine:latest" });

/**
 * Text in which the runner puts the values of a job's variables in place of `$NAME` and `${NAME}`, and `$` in place of `$$`.
 * What else begins with `$` would be lost without a word, but for a `$` before a character that no name begins with.
 * Source: `Variables.ExpandValue` in https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/common/spec/variables.go and
 * https://pkg.go.dev/os#Expand
 */
export const textWithVariables = z
  .string()
  // In UTF-8, these are less than the 128 KiB that Linux takes for one variable: https://man7.org/linux/man-pages/man2/execve.2.html
  .max(32_768)
  .refine(
    (text) => !/\$(?:[*#@!?0-9-]|\{(?![A-Za-z_]\w*\}))/.test(text.replaceAll(/\$\$|\$\{\$\}/g, "")),
    "must have a variable as $NAME or ${NAME}, and any other $ as $$",
  )
  .refine((text) => !text.includes("\0"), "must not contain a null character");

/** Whether an issue is raised with a value that has keys at all. */
export function hasKeys({ value }: { readonly value: unknown }): boolean {
  return typeof value === "object" && value !== null;
}
