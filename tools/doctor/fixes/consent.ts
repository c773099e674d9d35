import { ask } from "./ask.ts";
import type { Fix } from "./fix.ts";

/** Decides whether to run a fix: `why` says why not. */
export type Consent = (
  fix: Pick<Fix, "title" | "certain">,
) => Promise<{ readonly yes: boolean; readonly why?: string }>;

/**
 * @param yes run fixes that are certain without asking
 * @param isTerminal whether there is a terminal to ask
 */
export function consent({ yes, isTerminal }: { readonly yes: boolean; readonly isTerminal: boolean }): Consent {
  return async ({ title, certain }) => {
    if (yes && certain) {
      return { yes: true };
    }
    if (!isTerminal) {
      return {
        yes: false,
        why: "It may belong to someone else, so --yes does not include it, and there is no terminal to ask.",
      };
    }
    return (await ask(title)) ? { yes: true } : { yes: false, why: "You said no." };
  };
}
