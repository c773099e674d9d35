import type { Fix } from "./fix.ts";

/** @returns what deletes Secrets that are copies of the stack's own */
export function deleteSecrets(namespace: string, names: readonly string[]): Fix {
  return {
    id: `delete secrets ${names.join(" ")}`,
    stage: "left-behind",
    title: `Delete in namespace ${namespace} what is there a second time, with the same content: ${names.join(", ")}.`,
    commands: [`kubectl --namespace ${namespace} delete secret ${names.join(" ")}`],
    certain: true,
    run: async ({ kubernetes }) => {
      const cluster = kubernetes();
      await Promise.all(names.map((name) => cluster.delete(namespace, "Secret", name)));
    },
  };
}
