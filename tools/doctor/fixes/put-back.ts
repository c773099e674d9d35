import { restore } from "../commands.ts";
import type { Fix } from "./fix.ts";

/** Arguments of the `pulumi up` that ends most repairs. */
export const upArguments = ["up", "--refresh", "--yes", "--skip-preview", "--suppress-outputs", "--suppress-progress"];

/** @returns a fix that compares all resources with the real ones, and deploys the current configuration */
export function putBack(stack: string): Fix {
  return {
    id: "put-back",
    stage: "deploy",
    title: "Compare everything with the real resources, and deploy the current configuration.",
    commands: [restore(stack)],
    certain: true,
    run: ({ commands }) => commands.pulumi(upArguments),
  };
}
