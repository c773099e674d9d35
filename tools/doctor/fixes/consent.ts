import { ask } from "./ask.ts";
import type { Fix } from "./fix.ts";

/** Decides whether a fix is done: `why` says why not. */
export type Consent = (
  fix: Pick<Fix, "title" | "certain">,
) => Promise<{ readonly yes: boolean; readonly why?: string }>;

/**
 * @param yes do what is certain without asking
 * @param isTerminal whether there is someone to ask
 */
export function consent({ yes, isTerminal }: { readonly yes: boolean; readonly isTerminal: boolean }): Consent {
  return async ({ title, certain }) => {
    if (yes && certain) {
      return { yes: true };
    }
    if (!isTerminal) {
      return {
        yes: false,
        why: "It may be somebody else's, so --yes alone does not do it, and there is no terminal to ask.",
      };
    }
    return (await ask(title)) ? { yes: true } : { yes: false, why: "You said no." };
  };
}
