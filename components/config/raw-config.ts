import type { WrittenSettings } from "../settings/describe.ts";
import { hintAt } from "../settings/lookup.ts";
import { valueAt } from "../settings/path.ts";
import { fixCommands, removeCommand } from "./commands.ts";
import { fixingCommand } from "./fixes.ts";
import { inArguments, inStack, keysAt } from "./stack-keys.ts";

/** The configuration as it is in the stack's file, by key, and which of its keys are encrypted. */
export interface RawConfig {
  readonly values: Readonly<Record<string, unknown>>;
  readonly isSecret: (key: string) => boolean;
}

/** @returns what a stack's file has, and the commands that fix it */
export function writtenConfig({ values, isSecret }: RawConfig): WrittenSettings {
  return {
    pathOf: inStack,
    valueAt: (path) => valueAt(values, inStack(path)),
    siblingsOf: (path) => {
      const around = inStack(path).slice(0, -1);
      return (keysAt(around) ?? []).map((key) => inArguments([...around, key]));
    },
    isEncrypted: (path) => isSecret(String(inStack(path)[0])),
    fixes: {
      ofIssue: (issue, isHidden) => fixingCommand(issue, values, isHidden),
      ofContradiction: ({ path, fix, secretFix }, isHidden) => {
        const way = isHidden ? (secretFix ?? fix) : fix;
        return way === undefined ? (hintAt(path, "fix") ?? removeCommand(inStack(path))) : fixCommands(way);
      },
    },
  };
}
