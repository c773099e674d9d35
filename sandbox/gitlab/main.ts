import { readFile, stat } from "node:fs/promises";
import { Command, InvalidArgumentError } from "commander";
import { startGitLabEmulator } from "./emulator.ts";
import { seedSchema } from "./seed.ts";

function natural(text: string): number {
  if (!/^\d+$/.test(text)) {
    throw new InvalidArgumentError("It must be a natural number.");
  }
  return Number(text);
}

async function readSeed(path: string) {
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) {
    throw new Error(`${path} holds tokens: only its owner may have access (chmod 600)`);
  }
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch {
    // The parser's message may quote a token.
    throw new Error(`${path} is not JSON`);
  }
  const seed = seedSchema.safeParse(json);
  if (seed.success) {
    return seed.data;
  }
  const problems = seed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new Error(`${path}: ${problems.join("; ")}`);
}

interface Options {
  readonly port: number;
  readonly seed: string;
}

async function run(options: Options): Promise<void> {
  const seed = await readSeed(options.seed);
  const emulator = await startGitLabEmulator({ seed, port: options.port });
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => void emulator.close());
  }
  console.log(`listening on ${emulator.url}`);
}

const program = new Command()
  .name("gitlab-emulator")
  .description("Emulates GitLab's runner API on loopback.")
  .requiredOption("--seed <file>", "JSON file with tokens, projects and groups")
  .option("--port <number>", "port on 127.0.0.1; 0: a free one", natural, 0);
program.action(async () => {
  await run(program.opts<Options>());
});

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof Error ? error.message : "the emulator failed");
  process.exitCode = 1;
}
