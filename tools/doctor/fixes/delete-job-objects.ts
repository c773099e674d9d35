import type { Fix } from "./fix.ts";

/** An object that a job left behind in Kubernetes. */
export interface JobObject {
  /** `Pod`, `Secret`, `ConfigMap` or `Service`. */
  readonly kind: string;
  readonly name: string;
}

/**
 * @param certain whether the stack created the namespace, so that no other jobs run there
 * @returns a fix that deletes objects of finished jobs
 */
export function deleteJobObjects(namespace: string, objects: readonly JobObject[], certain: boolean): Fix {
  const names = objects.map(({ kind, name }) => `${kind.toLowerCase()}/${name}`);
  return {
    id: `delete ${names.join(" ")}`,
    stage: "left-behind",
    title: `Delete the objects that jobs have left behind in namespace ${namespace}: ${names.join(", ")}.`,
    commands: [`kubectl --namespace ${namespace} delete ${names.join(" ")}`],
    certain,
    run: async ({ kubernetes }) => {
      const cluster = kubernetes();
      await Promise.all(objects.map((object) => cluster.delete(namespace, object.kind, object.name)));
    },
  };
}
