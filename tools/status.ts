import { Command, InvalidArgumentError, Option } from "commander";
import { Masker } from "./doctor/masker.ts";
import { readConfiguredStack } from "./doctor/pulumi-stack.ts";
import { runCommandLine } from "./run-command-line.ts";
import { UserError } from "./user-error.ts";
import { screen, type ScreenOptions } from "./status/screen.ts";
import type { Snapshot } from "./status/snapshot.ts";
import { sourcesOf, type Watched } from "./status/sources.ts";
import { FullScreen } from "./status/terminal.ts";
import { askOnce, Watcher } from "./status/watcher.ts";

/** An update of the stack may replace what is asked about; reading it takes Pulumi a second of work. */
const stackInterval = 30_000;
/** If the output is not a terminal. */
const plainWidth = 120;

interface Options {
  readonly stack?: string;
  readonly interval: number;
  readonly once?: true;
  readonly web?: true;
  readonly port?: number;
}

const masker = new Masker();

const program = new Command("npm run status --")
  .description(
    "Shows a deployed stack live, on one screen or as a web page: the runner in GitLab, its managers, running jobs and their " +
      "pods, the cache, and the latest events in its namespaces. Changes nothing.",
  )
  .option("--stack <name>", "the stack (default: the one that is selected in Pulumi)")
  .option("--interval <seconds>", "time between updates", seconds, 2)
  .option("--once", "print it once and exit, as it also does if the output is not a terminal")
  .addOption(
    new Option("--web", "serve it as a web page, with the jobs' logs, to this machine only, until Ctrl-C").conflicts(
      "once",
    ),
  )
  .addOption(
    new Option("--port <number>", "port of the page (default: any free one)")
      .argParser(portNumber)
      .implies({ web: true }),
  )
  .addHelpText(
    "after",
    "\nKeys: q or Ctrl-C quits.\nExit code with --once: 0, or 1 if something did not respond.\n" +
      "Every user of this machine can open the page: there is no login.",
  )
  .action(async ({ stack: name, interval, once, web, port }: Options) => {
    const read = async () => sourcesOf(await readConfiguredStack(name, masker), masker, process.env);
    const first = await read();
    const watcher = new Watcher(read, { interval: interval * 1000, stackInterval }, first);
    if (web === true) {
      await serve(first.stack.name, watcher, port);
    } else if (once === true || !process.stdout.isTTY) {
      await showOnce(first);
    } else {
      await showLive(watcher, interval);
    }
  });

async function showOnce(stack: Watched): Promise<void> {
  const snapshot = await askOnce(stack);
  const { isTTY: isTerminal, columns } = process.stdout;
  const width = isTerminal ? columns : plainWidth;
  console.log(draw(snapshot, { columns: width, rows: undefined, footer: undefined }));
  process.exitCode = Object.values(snapshot).some(({ error }) => error !== undefined) ? 1 : 0;
}

async function showLive(watcher: Watcher, interval: number): Promise<void> {
  let snapshot: Snapshot | undefined;
  const footer = `q quits; updated every ${interval} s`;
  const terminal = new FullScreen(process.stdin, process.stdout, (size) =>
    snapshot === undefined ? "" : draw(snapshot, { ...size, footer }),
  );
  const stop = watcher.subscribe((changed) => {
    snapshot = changed;
    terminal.refresh();
  });
  // Times change even if nothing else does.
  const clock = setInterval(() => {
    terminal.refresh();
  }, 1_000);
  try {
    await ended(terminal.ended);
  } finally {
    clearInterval(clock);
    stop();
    terminal.close();
  }
}

async function serve(stack: string, watcher: Watcher, port: number | undefined): Promise<void> {
  // Loaded when it is needed.
  const { startPage } = await import("./status/web/server.ts");
  const text = {
    title: `Stack ${stack}`,
    subtitle: "The runner, live: what the stack has created in GitLab, Kubernetes and the object store",
    start: `npm run status -- --stack ${stack} --web`,
  };
  const page = await startPage({ ...(port === undefined ? {} : { port }), text, watcher, masker }).catch(
    (error: unknown) => {
      throw (error as NodeJS.ErrnoException).code === "EADDRINUSE"
        ? new UserError(`Port ${port ?? 0} is already in use. Choose another one with --port, or omit --port.`)
        : error;
    },
  );
  console.log(`Open in a browser: ${page.url}\nCtrl-C quits.`);
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      ending.abort();
    });
  }
  await ended(ending.signal);
  await page.stop();
}

/** Resolves when the signal comes. */
async function ended(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => {
    if (signal.aborted) {
      resolve(undefined);
    }
    signal.addEventListener("abort", resolve);
  });
}

function draw(snapshot: Snapshot, size: Pick<ScreenOptions, "columns" | "rows" | "footer">): string {
  const isStyled = process.stdout.isTTY && process.stdout.hasColors();
  return masker.mask(screen(snapshot, { ...size, isStyled, now: new Date() }));
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0.5 && value <= 3600)) {
    throw new InvalidArgumentError("It must be a number of seconds, from 0.5 to 3600.");
  }
  return value;
}

function portNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535) {
    throw new InvalidArgumentError("It must be a port, from 1 to 65535.");
  }
  return value;
}

await runCommandLine(program);
// Open connections to a server that does not respond would keep the process running.
process.exit();
