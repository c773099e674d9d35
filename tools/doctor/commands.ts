// The commands that checks tell people to run. They name the stack, since another one may be selected.

/** @returns what brings GitLab and MinIO back to what the stack asks for, whatever was changed there by hand */
export function restore(stack: string): string {
  return `pulumi up --refresh --stack ${stack}`;
}

/**
 * @returns the same for objects in Kubernetes, whose provider keeps off fields that others have set
 * Source: https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources
 */
export function restoreObjects(stack: string): string {
  return `PULUMI_K8S_ENABLE_PATCH_FORCE=true ${restore(stack)}`;
}

/** @returns what replaces token and cache keys by new ones */
export function rotate(stack: string): string {
  return `pulumi config set rotation "$(date +%F)" --stack ${stack}\npulumi up --stack ${stack}`;
}
