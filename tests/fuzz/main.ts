import { Command, Option } from "commander";
import { natural } from "../natural.ts";
import { fuzz, type Outcome } from "./fuzz.ts";
import { partNames, parts, type PartName } from "./parts.ts";
import { resultTable } from "./table.ts";

interface Options {
  readonly configurations: number;
  readonly requests: number;
  readonly seed: number;
  readonly only?: PartName;
  readonly try?: number;
}

const program = new Command("npm run fuzz --")
  .description(
    "Gives random configurations to the program, and malformed requests to the sandbox's servers and the status page. Each must " +
      "end in an answer in people's words: in no stack trace, no process that hangs, and none that is gone.",
  )
  .option("--configurations <number>", "how many configurations", natural, 10_000)
  .option("--requests <number>", "how many requests", natural, 10_000)
  .option("--seed <number>", "what all of them are drawn from", natural, 1)
  .addOption(new Option("--only <part>", "leave the others out").choices(partNames))
  .option("--try <number>", "this try of each part, and no other", natural)
  .addHelpText("after", "\nExit code: 0 when each was answered, 1 when one was not.");

async function run({ only, seed, try: first, ...counts }: Options): Promise<void> {
  const outcomes: Outcome[] = [];
  const chosen = partNames.filter((name) => (only === undefined || name === only) && counts[parts[name].given] > 0);
  for (const part of chosen) {
    const { given, share } = parts[part];
    const count = first === undefined ? Math.round(counts[given] * share) : 1;
    const outcome = await fuzz({ part, count, seed, first: first ?? 0 });
    console.log([`${part}: ${outcome.tries} ${given}`, ...outcome.defects].join("\n"));
    outcomes.push(outcome);
  }
  console.log(`Seed ${seed}:\n${resultTable(outcomes)}`);
  process.exitCode = outcomes.some(({ defects }) => defects.length > 0) ? 1 : 0;
}

program.action(() => run(program.opts<Options>()));
await program.parseAsync();
