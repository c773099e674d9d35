import { readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { Command } from "commander";
import { givenPath } from "./given-path.ts";
import { draw } from "./graph/drawing.ts";
import { layOut } from "./graph/layout.ts";
import { pictureOf } from "./graph/picture.ts";
import { readState } from "./graph/stack-state.ts";
import { PulumiCli } from "./pulumi-cli.ts";
import { runCommandLine } from "./run-command-line.ts";
import { UserError } from "./user-error.ts";

interface Options {
  readonly stack?: string;
  readonly state?: string;
  readonly out: string;
}

const program = new Command("npm run graph --")
  .description(
    "Draws the resources of a stack as SVG, grouped by component, with the dependencies between them. Shows only kinds and " +
      "names: no values, no ids.",
  )
  .option("--stack <name>", "the stack, which is read with `pulumi stack export`")
  .option("--state <file>", "a file written by `pulumi stack export`, instead of a stack")
  .option("--out <file>", "where to write", "stack.svg")
  .action(async (options: Options) => {
    const { text, origin } = await stateOf(options);
    const state = readState(text, origin);
    const picture = pictureOf(state);
    const file = givenPath(options.out);
    write(file, draw(picture, await layOut(picture)));
    const components = state.resources.filter(({ isComponent }) => isComponent).length;
    const resources = state.resources.length - components;
    console.log(`${origin}, ${resources} resources in ${components} components: ${relative(givenPath("."), file)}`);
  });

async function stateOf({ stack, state }: Options): Promise<{ text: string; origin: string }> {
  if ((stack === undefined) === (state === undefined)) {
    throw new UserError("Set either a stack or an exported state: npm run graph -- --stack NAME, or --state FILE");
  }
  return state === undefined
    ? { text: await new PulumiCli({ stack }).ask(["stack", "export"]), origin: `Stack ${stack ?? ""}` }
    : { text: read(givenPath(state)), origin: state };
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new UserError(`${file} cannot be written: ${(error as Error).message}`);
  }
}

await runCommandLine(program);
