import { Command, Option } from "commander";
import { natural } from "../natural.ts";
import { faultCount } from "./faults.ts";
import { choosePoints, describePoint, type Counts } from "./points.ts";
import { ProxiedSandbox } from "./proxied-sandbox.ts";
import { Soak } from "./soak.ts";
import { resultTable, type Result } from "./table.ts";

type Options = { readonly [sort in keyof Counts]: number } & { readonly seed: number; readonly only?: keyof Counts };

const sorts = ["up", "rotation", "destroy", "faults"] as const;

const program = new Command("npm run soak --")
  .description(
    "Kills Pulumi, and lets GitLab, MinIO and the API server fail, while a stack is deployed, rotated and destroyed in a sandbox " +
      "of its own. After each: doctor --fix --yes, and the same command again, which must come to the same end.",
  )
  .option("--up <number>", "how often to kill the first pulumi up", natural, 50)
  .option("--rotation <number>", "how often to kill a rotation", natural, 25)
  .option("--destroy <number>", "how often to kill pulumi destroy", natural, 25)
  .option(
    "--faults <number>",
    `how many faults of servers; there are ${faultCount} different ones`,
    natural,
    faultCount,
  )
  .option("--seed <number>", "shifts the points in time", natural, 1)
  .addOption(new Option("--only <sort>", "leave the others out").choices(sorts))
  .addHelpText("after", "\nExit code: 0 when every stack came to the same end, 1 when one did not.");

async function run({ seed, only, ...counts }: Options): Promise<void> {
  const isTried = (sort: keyof Counts) => only === undefined || only === sort;
  const points = choosePoints(
    {
      up: isTried("up") ? counts.up : 0,
      rotation: isTried("rotation") ? counts.rotation : 0,
      destroy: isTried("destroy") ? counts.destroy : 0,
      faults: isTried("faults") ? counts.faults : 0,
    },
    seed,
  );
  console.log(`${points.length} points, seed ${seed}. Starting a sandbox.`);
  let begun = await begin();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      console.log("Interrupted; stopping the sandbox.");
      void begun.sandbox.remove().finally(() => process.exit(130));
    });
  }
  const results: Result[] = [];
  try {
    for (const [index, point] of points.entries()) {
      const outcome = await begun.soak.try(point);
      results.push({ point, outcome });
      const at = "victims" in point ? ` at ${seconds(point.share * begun.soak.duration(point.operation))}` : "";
      const left = outcome.named > 0 ? `; runners left in GitLab, and named: ${outcome.named}` : "";
      console.log(`${index + 1}/${points.length} ${describePoint(point)}${at}: ${outcome.recovered}${left}`);
      outcome.notes.forEach((note) => {
        console.log(`    ${note.replaceAll("\n", "\n    ")}`);
      });
      if (outcome.recovered === "lost") {
        process.exitCode = 1;
        await begun.sandbox.remove();
        begun = await begin();
      }
    }
  } finally {
    if (results.length > 0) {
      console.log(resultTable(results));
    }
    await begun.sandbox.remove();
  }
}

async function begin(): Promise<{ readonly sandbox: ProxiedSandbox; readonly soak: Soak }> {
  const sandbox = await ProxiedSandbox.start();
  try {
    const soak = new Soak(sandbox);
    await soak.measure();
    const times = (["first up", "rotation", "destroy"] as const).map(
      (operation) => `${operation} ${seconds(soak.duration(operation))}`,
    );
    console.log(`Undisturbed: ${times.join(", ")}.`);
    return { sandbox, soak };
  } catch (error) {
    await sandbox.remove();
    throw error;
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

program.action(() => run(program.opts<Options>()));
await program.parseAsync();
