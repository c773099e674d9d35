import { createInterface } from "node:readline/promises";

/** Asks the user at the terminal. Only y or yes counts as yes; the end of the input counts as no. Ctrl-C ends the command. */
export async function ask(question: string): Promise<boolean> {
  if (process.stdin.readableEnded) {
    return false;
  }
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  prompt.once("SIGINT", () => {
    process.exit(130);
  });
  const closed = new Promise<string>((resolve) => {
    prompt.once("close", () => {
      resolve("");
    });
  });
  try {
    return /^y(es)?$/i.test((await Promise.race([prompt.question(`${question} [y/N] `), closed])).trim());
  } finally {
    prompt.close();
  }
}
