import { z } from "zod";
import { parseQuantity } from "../quantity.ts";

// Values that several settings have in common.

const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** A DNS label, as Kubernetes requires for the name of a namespace; see https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
export const dnsLabel = z.string().regex(label, "must be a DNS label: a-z, 0-9 and -, 63 characters at most");

/** Name of a Kubernetes object: DNS labels, joined by dots. */
export const objectName = z
  .string()
  .max(253)
  .refine((name) => name.split(".").every((part) => label.test(part)), "must be the name of a Kubernetes object");

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
    /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
    "must be a name such as team or example.com/team",
  );

/** What the value of a label looks like. */
export const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/** Labels by name. */
export const labels = z.record(
  labelKey,
  z.string().regex(labelValue, "must be the value of a label: 63 characters at most"),
);

/** Labels that a node must have. */
export const nodeSelector = labels.meta({ example: { "kubernetes.io/hostname": "worker-1" } });

/** Name of a container image. */
export const image = z
  .string()
  .regex(/^[a-z0-9][a-zA-Z0-9._:/@-]*$/, "must be the name of a container image")
  .meta({ example: "alpine:latest" });

/** Whether an issue is raised with a value that has keys at all. */
export function hasKeys({ value }: { readonly value: unknown }): boolean {
  return typeof value === "object" && value !== null;
}
