import type { PropertyChange } from "./property-diff.ts";
import type { Properties } from "./property-values.ts";

/** Inputs of every operation on a resource. */
export interface Operation {
  readonly urn: string;
  /** Type token, such as `random:index/randomString:RandomString`. */
  readonly type: string;
  /** Name of the resource in the program. */
  readonly name: string;
  /** A preview: nothing may be changed, and inputs can be unknown. */
  readonly preview: boolean;
  /** Aborts when the user cancels or the resource's timeout expires. */
  readonly signal: AbortSignal;
  /** Timeout of the operation in seconds; 0 if the program does not set it. */
  readonly timeoutSeconds: number;
}

/** An invalid input. */
export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}

/** Inputs after their validation. */
export interface CheckedInputs {
  readonly inputs: Properties;
  readonly failures: readonly CheckFailure[];
}

/** An existing resource. */
export interface ResourceState {
  readonly id: string;
  readonly outputs: Properties;
}

/** One type of resource. Inputs have no secret marks; the engine restores them on outputs of the same name. */
export interface ResourceHandler {
  /** Validates the program's inputs and adds defaults. @defaultValue accepts them unchanged */
  check?(inputs: Properties, previousInputs: Properties, operation: Operation): CheckedInputs | Promise<CheckedInputs>;
  /** @returns the changes of an update; none if state and inputs agree */
  diff(change: {
    readonly id: string;
    readonly oldInputs: Properties;
    readonly oldOutputs: Properties;
    readonly newInputs: Properties;
  }): { readonly changes: readonly PropertyChange[]; readonly deleteBeforeReplace?: boolean };
  /** @returns the new resource; in a preview, its id may be empty and its outputs unknown */
  create(inputs: Properties, operation: Operation): Promise<ResourceState>;
  /**
   * @param inputs those of the last update; empty for an import
   * @returns the resource's current state; undefined if it no longer exists
   */
  read(
    id: string,
    inputs: Properties,
    outputs: Properties,
    operation: Operation,
  ): Promise<(ResourceState & { readonly inputs: Properties }) | undefined>;
  /** Undefined if every change replaces the resource. @returns the new outputs */
  update?(
    id: string,
    newInputs: Properties,
    oldOutputs: Properties,
    operation: Operation,
    oldInputs: Properties,
  ): Promise<Properties>;
  /** Deletes the resource; not an error if it no longer exists. */
  delete(id: string, outputs: Properties, operation: Operation, inputs: Properties): Promise<void>;
}

/** A resource was created, but incompletely: the engine keeps it in the state, and updates it the next time. */
export class ResourceInitError extends Error {
  override readonly name = "ResourceInitError";
  readonly state: ResourceState;
  readonly inputs: Properties;
  readonly reasons: readonly string[];

  /** @param reasons what is wrong with it, in words for users */
  constructor(state: ResourceState, inputs: Properties, reasons: readonly string[]) {
    super(reasons.join("\n"));
    this.state = state;
    this.inputs = inputs;
    this.reasons = reasons;
  }
}

/** A Pulumi package's resource plugin. */
export interface Provider {
  /** Name of the package, such as `random`. */
  readonly name: string;
  /** Version, such as `4.21.0`. */
  readonly version: string;
  /**
   * Takes the provider's configuration, by key without the package's name; values other than strings are JSON.
   * @throws Error with the settings that are missing or invalid
   */
  configure(config: Readonly<Record<string, string>>): void | Promise<void>;
  /** Its types of resources. */
  readonly resources: Readonly<Record<string, ResourceHandler>>;
}
