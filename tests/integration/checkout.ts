import { execa } from "execa";
import { repository } from "../../tools/repository.ts";

/** Copies the checkout as it is, with what is not committed yet and without what Git ignores, into a folder that exists. */
export async function copyCheckout(folder: string): Promise<void> {
  const copy = 'git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --target-directory "$0"';
  // A file that was deleted and is still in the index is passed over.
  await execa("sh", ["-c", `${copy} 2>/dev/null || true`, folder], { cwd: repository });
}
