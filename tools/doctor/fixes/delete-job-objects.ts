import type { Fix } from "./fix.ts";

/** What a job has left behind in Kubernetes. */
export interface JobObject {
  /** `Pod`, `Secret`, `ConfigMap` or `Service`. */
  readonly kind: string;
  readonly name: string;
}

/**
 * @param certain whether the namespace is the stack's own, so that nobody else's jobs run there
 * @returns what deletes objects of jobs that are over
 */
export function deleteJobObjects(namespace: string, objects: readonly JobObject[], certain: boolean): Fix {
  const names = objects.map(({ kind, name }) => `${kind.toLowerCase()}/${name}`);
  return {
    id: `delete ${names.join(" ")}`,
    stage: "left-behind",
    title: `Delete what jobs have left in namespace ${namespace}: ${names.join(", ")}.`,
    commands: [`kubectl --namespace ${namespace} delete ${names.join(" ")}`],
    certain,
    run: async ({ kubernetes }) => {
      const cluster = kubernetes();
      await Promise.all(objects.map((object) => cluster.delete(namespace, object.kind, object.name)));
    },
  };
}
