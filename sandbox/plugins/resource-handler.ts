import type { PropertyChange } from "./property-diff.ts";
import type { Properties } from "./property-values.ts";

/** What every operation on a resource is told. */
export interface Operation {
  readonly urn: string;
  /** Type token, such as `random:index/randomString:RandomString`. */
  readonly type: string;
  /** Name of the resource in the program. */
  readonly name: string;
  /** Nothing may be changed; unknown values can be among the inputs. */
  readonly preview: boolean;
  /** Aborts when the user cancels or the resource's own timeout is over. */
  readonly signal: AbortSignal;
  /** Seconds that the operation may take; 0 where the program does not say. */
  readonly timeoutSeconds: number;
}

/** An input that is not as it should be. */
export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}

/** Inputs after their validation. */
export interface CheckedInputs {
  readonly inputs: Properties;
  readonly failures: readonly CheckFailure[];
}

/** A resource that exists. */
export interface ResourceState {
  readonly id: string;
  readonly outputs: Properties;
}

/** One type of resource. Inputs come without secret marks; the engine puts them back on outputs of the same name. */
export interface ResourceHandler {
  /** Validates the inputs of the program and fills in what it left out. @defaultValue takes them as they are */
  check?(inputs: Properties, previousInputs: Properties, operation: Operation): CheckedInputs | Promise<CheckedInputs>;
  /** @returns what an update would change; nothing where state and inputs agree */
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
   * @returns the resource as it is, or undefined where it is gone
   */
  read(
    id: string,
    inputs: Properties,
    outputs: Properties,
    operation: Operation,
  ): Promise<(ResourceState & { readonly inputs: Properties }) | undefined>;
  /** Not there where every change replaces the resource. @returns the new outputs */
  update?(
    id: string,
    newInputs: Properties,
    oldOutputs: Properties,
    operation: Operation,
    oldInputs: Properties,
  ): Promise<Properties>;
  /** Deletes it; one that is gone already is no error. */
  delete(id: string, outputs: Properties, operation: Operation, inputs: Properties): Promise<void>;
}

/** A resource was made, but is not as it should be: the engine keeps it, and fixes it at the next update. */
export class ResourceInitError extends Error {
  override readonly name = "ResourceInitError";
  readonly state: ResourceState;
  readonly inputs: Properties;
  readonly reasons: readonly string[];

  /** @param reasons what is wrong with it, for people to read */
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
   * Takes the provider's configuration, by key without the package's name; what is not a string is JSON.
   * @throws Error naming what is missing or wrong
   */
  configure(config: Readonly<Record<string, string>>): void | Promise<void>;
  /** @returns the handler of a resource type, undefined where there is none */
  resource(type: string): ResourceHandler | undefined;
}
