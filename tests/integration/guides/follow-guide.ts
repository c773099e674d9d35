import assert from "node:assert/strict";
import type { SandboxUnderTest } from "../sandbox-under-test.ts";
import { missingLine, readGuide, type Step } from "./guide.ts";
import type { Reader } from "./reader.ts";

/** What a guide needs that no command of it makes, and what only its reader can see. */
export interface Circumstances {
  /** What the reader has at hand: runs before the guide's first command. */
  readonly before?: () => Promise<void>;
  /** What happens outside: runs after the first command that has this text. */
  readonly then?: Readonly<Record<string, (printed: string) => Promise<void>>>;
}

/** `npm test` is what runs this, and has all of `npm run check` in it. */
export function isRun({ commands }: Step): boolean {
  return !["npm test", "npm run check"].includes(commands);
}

/** Follows a guide, from its first command to its last. */
export async function followGuide(
  reader: Reader,
  sandbox: SandboxUnderTest,
  path: string,
  { before, then = {} }: Circumstances = {},
): Promise<void> {
  await before?.();
  const open = new Map(Object.entries(then));
  for (const step of readGuide(path).steps.filter(isRun)) {
    const printed = await followStep(reader, sandbox, step);
    for (const [text, happen] of open) {
      if (step.commands.includes(text)) {
        open.delete(text);
        await happen(printed);
      }
    }
  }
  assert.deepEqual([...open.keys()], [], "no command has this text");
}

/** Runs a block, and compares what it prints with what its guide says. */
export async function followStep(reader: Reader, sandbox: SandboxUnderTest, step: Step): Promise<string> {
  const lines = step.commands.split("\n");
  // Whoever is asked answers each command by itself.
  const blocks = lines.some((line) => answerTo(line, sandbox) !== undefined) ? lines : [step.commands];
  let printed = "";
  for (const [index, commands] of blocks.entries()) {
    const { all, exitCode } = await reader.follow({ ...step, commands }, answerTo(commands, sandbox));
    printed += `${all}\n`;
    const fails = step.marks.includes("fails") && index === blocks.length - 1;
    assert.equal(exitCode !== 0, fails, `${commands}\nends with ${exitCode ?? "a signal"}:\n${all}`);
  }
  const missing = missingLine(reader.here(step.prints ?? ""), printed);
  assert.equal(missing, undefined, `${step.commands}\ndoes not print this line:\n${missing ?? ""}\nbut:\n${printed}`);
  return printed;
}

/** What one types when a command asks for it; undefined for a command that asks for nothing. */
function answerTo(command: string, sandbox: SandboxUnderTest): string | undefined {
  const { gitlabToken, minioUser, minioPassword } = sandbox.state.secrets;
  switch (command.replace(/\s+#.*/, "")) {
    case "pulumi config set --secret gitlab:token":
      return gitlabToken;
    case "pulumi config set --secret minio:minioUser":
      return minioUser;
    case "pulumi config set --secret minio:minioPassword":
      return minioPassword;
    default:
      return undefined;
  }
}
