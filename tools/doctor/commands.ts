// Commands that the checks suggest. They name the stack, since another one may be selected.

/** @returns the command that reverts manual changes in GitLab and MinIO */
export function restore(stack: string): string {
  return `pulumi up --refresh --stack ${stack}`;
}

/**
 * @returns the same for objects in Kubernetes, whose provider does not change fields of other field managers by default
 * Source: https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources
 */
export function restoreObjects(stack: string): string {
  return `PULUMI_K8S_ENABLE_PATCH_FORCE=true ${restore(stack)}`;
}

/** @returns the commands that replace the token and the cache keys */
export function rotate(stack: string): string {
  return `pulumi config set rotation "$(date +%F)" --stack ${stack}\npulumi up --stack ${stack}`;
}
