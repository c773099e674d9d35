import { join } from "node:path";

/** Folder of the checkout, with Pulumi.yaml in it. */
export const repository = join(import.meta.dirname, "..");
