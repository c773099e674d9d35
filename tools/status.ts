import { Command, InvalidArgumentError } from "commander";
import { Masker } from "./doctor/masker.ts";
import { readPulumiStack } from "./doctor/pulumi-stack.ts";
import { runCommandLine } from "./run-command-line.ts";
import type { StatusReport } from "./status/report.ts";
import { screen, type ScreenOptions } from "./status/screen.ts";
import { sourcesOf } from "./status/sources.ts";
import { FullScreen } from "./status/terminal.ts";
import { askOnce, watch, type Watched } from "./status/watch.ts";

/** An update of the stack may replace what is asked about; reading it takes Pulumi a second of work. */
const stackInterval = 30_000;
/** Where the output is no terminal. */
const plainWidth = 120;

interface Options {
  readonly stack?: string;
  readonly interval: number;
  readonly once?: true;
}

const masker = new Masker();

const program = new Command("npm run status --")
  .description(
    "Shows a deployed stack at work, on one screen: the runner in GitLab, its managers, running jobs and their pods, the cache, " +
      "and what has happened last in its namespaces. Changes nothing.",
  )
  .option("--stack <name>", "the stack (default: the one that is selected in Pulumi)")
  .option("--interval <seconds>", "from one look to the next", seconds, 2)
  .option("--once", "print it once and end; so does an output that is no terminal")
  .addHelpText("after", "\nKeys: q or Ctrl-C ends it.\nExit code of --once: 0, or 1 where something gave no answer.")
  .action(async ({ stack: name, interval, once }: Options) => {
    const read = async () => sourcesOf(await readPulumiStack(name, masker), masker, process.env);
    const stack = await read();
    if (once === true || !process.stdout.isTTY) {
      await showOnce(stack);
    } else {
      await showLive(stack, read, interval);
    }
  });

async function showOnce(stack: Watched): Promise<void> {
  const report = await askOnce(stack);
  const { isTTY: isTerminal, columns } = process.stdout;
  const width = isTerminal ? columns : plainWidth;
  console.log(draw(report, { columns: width, rows: undefined, footer: undefined }));
  const hasFailed = [report.runner, report.cluster, report.cache].some(
    (answer) => answer !== undefined && "error" in answer,
  );
  process.exitCode = hasFailed ? 1 : 0;
}

async function showLive(stack: Watched, read: () => Promise<Watched>, interval: number): Promise<void> {
  let report: StatusReport | undefined;
  const footer = `q ends this; a new look every ${interval} s`;
  const terminal = new FullScreen(process.stdin, process.stdout, (size) =>
    report === undefined ? "" : draw(report, { ...size, footer }),
  );
  try {
    const times = { interval: interval * 1000, stackInterval };
    const show = (changed: StatusReport) => {
      report = changed;
      terminal.refresh();
    };
    await watch(stack, read, times, show, terminal.ended);
  } finally {
    terminal.close();
  }
}

function draw(report: StatusReport, size: Pick<ScreenOptions, "columns" | "rows" | "footer">): string {
  const isStyled = process.stdout.isTTY && process.stdout.hasColors();
  return masker.mask(screen(report, { ...size, isStyled, now: new Date() }));
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0.5 && value <= 3600)) {
    throw new InvalidArgumentError("It must be a number of seconds, from 0.5 to 3600.");
  }
  return value;
}

await runCommandLine(program);
// Connections to a server that gives no answer would keep it from ending.
process.exit();
