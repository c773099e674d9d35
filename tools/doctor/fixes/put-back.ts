import { restore } from "../commands.ts";
import type { Fix } from "./fix.ts";

/** Arguments of the `pulumi up` that ends most repairs. */
export const upArguments = ["up", "--refresh", "--yes", "--skip-preview", "--suppress-outputs", "--suppress-progress"];

/** @returns what has Pulumi compare all resources with what is there, and deploy the stack as it is configured now */
export function putBack(stack: string): Fix {
  return {
    id: "put-back",
    stage: "deploy",
    title: "Compare everything with what is there, and deploy the stack as it is configured now.",
    commands: [restore(stack)],
    certain: true,
    run: ({ commands }) => commands.pulumi(upArguments),
  };
}
