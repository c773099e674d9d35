import type { Fix } from "./fix.ts";

/** @returns a fix that deletes copies of the stack's Secrets */
export function deleteSecrets(namespace: string, names: readonly string[]): Fix {
  return {
    id: `delete secrets ${names.join(" ")}`,
    stage: "left-behind",
    title: `Delete duplicate Secrets in namespace ${namespace}: ${names.join(", ")}.`,
    commands: [`kubectl --namespace ${namespace} delete secret ${names.join(" ")}`],
    certain: true,
    run: async ({ kubernetes }) => {
      const cluster = kubernetes();
      await Promise.all(names.map((name) => cluster.delete(namespace, "Secret", name)));
    },
  };
}
