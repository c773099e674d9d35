import { z } from "zod";

/** A resource in Pulumi's state; unused fields are kept. */
const stateResource = z.looseObject({
  urn: z.string(),
  type: z.string(),
  id: z.string().optional(),
  /** Already replaced, and about to be deleted. */
  delete: z.boolean().optional(),
  /** An external resource, which is only read. */
  external: z.boolean().optional(),
  inputs: z.record(z.string(), z.unknown()).optional(),
  parent: z.string().optional(),
  dependencies: z.array(z.string()).nullish(),
  propertyDependencies: z.record(z.string(), z.array(z.string()).nullable()).nullish(),
  deletedWith: z.string().optional(),
});

const exportedState = z.looseObject({
  deployment: z
    .looseObject({
      manifest: z.looseObject({ time: z.string() }).optional(),
      resources: z.array(stateResource).nullish(),
      pending_operations: z.array(z.looseObject({ type: z.string(), resource: stateResource })).nullish(),
    })
    .nullable(),
});

/** A resource in the state. */
export type StateResource = z.output<typeof stateResource>;
/** What `pulumi stack export` writes. */
export type ExportedState = z.output<typeof exportedState>;

/** @throws Error when the text is no exported state */
export function readExportedState(text: string): ExportedState {
  const parsed = exportedState.safeParse(JSON.parse(text));
  if (!parsed.success) {
    throw new Error(`pulumi stack export has an unexpected format:\n${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}

/** Short names of the resource types that fixes use. */
export const resourceTypes = {
  runner: "gitlab:index/userRunner:UserRunner",
  enablement: "gitlab:index/projectRunnerEnablement:ProjectRunnerEnablement",
  accessKey: "random:index/randomString:RandomString",
  secretKey: "random:index/randomPassword:RandomPassword",
  bucket: "minio:index/s3Bucket:S3Bucket",
  policy: "minio:index/iamPolicy:IamPolicy",
  user: "minio:index/iamUser:IamUser",
  attachment: "minio:index/iamUserPolicyAttachment:IamUserPolicyAttachment",
  namespace: "kubernetes:core/v1:Namespace",
  secret: "kubernetes:core/v1:Secret",
  release: "kubernetes:helm.sh/v3:Release",
} as const;

/** @returns the live resources of a type that the stack created */
export function resourcesOf({ deployment }: ExportedState, type: string): StateResource[] {
  return (deployment?.resources ?? []).filter(
    (resource) => resource.type === type && resource.delete !== true && resource.external !== true,
  );
}

/** @returns the stack resource, the root of all others */
export function rootOf({ deployment }: ExportedState): StateResource | undefined {
  return deployment?.resources?.find(({ type }) => type === "pulumi:pulumi:Stack");
}

/** @returns resources that were being created when Pulumi was killed */
export function pendingCreations({ deployment }: ExportedState): StateResource[] {
  return (deployment?.pending_operations ?? [])
    .filter(({ type }) => type === "creating")
    .map(({ resource }) => resource);
}

/** @returns whether the stack created the namespace */
export function ownsNamespace(state: ExportedState | undefined, name: string): boolean {
  return state !== undefined && resourcesOf(state, resourceTypes.namespace).some(({ id }) => id === name);
}

/** Type and name in a URN, such as `IamUser gitlab-runner-cache-user`. */
export function nameOf(urn: string): string {
  const [, , types = "", ...name] = urn.split("::");
  return `${types.split(/[:$]/).at(-1) ?? ""} ${name.join("::")}`;
}
