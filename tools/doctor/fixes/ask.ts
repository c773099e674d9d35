import { createInterface } from "node:readline/promises";

/** Asks the person at the terminal; anything but yes is no. */
export async function ask(question: string): Promise<boolean> {
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  // Ctrl-D ends the input without an answer.
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
