import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

/** A place where what a setting is set to can be found. */
export type Place = (
  | { /** Path in the runner's `[[runners]]`, such as `kubernetes.image`. */ readonly toml: string }
  | { /** Path in the values of GitLab's chart, such as `concurrent`. */ readonly values: string }
  | {
      /** Type of a resource, such as `kubernetes:core/v1:Namespace`. */
      readonly resource: string;
      /** Path in its inputs, such as `metadata.name`. @defaultValue the setting decides whether the resource is created */
      readonly input?: string;
    }
) & {
  /** What stands there, where it is not the value itself; undefined where nothing does. */
  readonly as?: (value: never) => unknown;
};

declare module "zod" {
  /** What a setting's declaration says besides its type and `description`. Docs, messages and tests come from it. */
  interface GlobalMeta {
    /** What applies while it is not set, if that is not a plain default: `the chart's own`. */
    unset?: string;
    /** A value that would be right; messages suggest it. */
    example?: unknown;
    /** Where it goes, if it goes there as it is, or by `as`. */
    to?: Place | readonly Place[];
    /** Oldest GitLab Runner that knows it, such as `18.11`. @defaultValue the oldest that this program supports */
    since?: string;
    /** Address of the page that has the rule. */
    source?: string;
    /** Its value, or one inside of it, must not be shown. */
    secret?: true | "inside";
    /** Fix of a wrong value, if that is not to set the example. */
    fix?: string;
    /** Takes Outputs of other resources, too: it does not decide what is created. */
    input?: true;
    /** Default in a stack, whose component has a given name. */
    stackDefault?: string;
    /** A comment for `Pulumi.yaml`, which cannot declare every type. */
    comment?: string;
  }
}

/** An object with these keys and no others. */
export const object = z.strictObject;

/** A setting that may also be an Output of another resource; its value is then checked by the server only. */
export function input<Schema extends z.ZodType>(
  schema: Schema,
): z.ZodType<pulumi.Input<z.output<Schema>>, pulumi.Input<z.input<Schema>>> {
  return schema.meta({ ...schema.meta(), input: true }) as unknown as z.ZodType<
    pulumi.Input<z.output<Schema>>,
    pulumi.Input<z.input<Schema>>
  >;
}

/** Whether a value is known only while Pulumi deploys. */
export function isOutput(value: unknown): boolean {
  return pulumi.Output.isInstance(value) || value instanceof Promise;
}
