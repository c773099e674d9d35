import { z } from "zod";
import { runCommand, type CommandEnd, type CommandOptions } from "./run-command.ts";
import { UserError } from "./user-error.ts";

/** Options of {@link PulumiCli}. */
export interface PulumiCliOptions extends Pick<CommandOptions, "environment"> {
  /** The stack that all commands are about. @defaultValue the one that is selected */
  readonly stack?: string | undefined;
  /** Masks the secrets in error messages. */
  readonly mask?: (text: string) => string;
  /** Path of the program. @defaultValue `pulumi` on PATH */
  readonly program?: string;
}

/** Time limit in ms of a command that changes nothing; the state may be far away. */
const answerLimit = 60_000;

/** Pulumi's command line, in this project, without prompts. */
export class PulumiCli {
  readonly #options: PulumiCliOptions;

  constructor(options: PulumiCliOptions = {}) {
    this.#options = options;
  }

  /** Runs a command, and returns its result even if it fails, with the secrets in it. */
  run(args: readonly string[], options: Omit<CommandOptions, "environment"> = {}): Promise<CommandEnd> {
    const { stack, program = "pulumi", environment = process.env } = this.#options;
    const ofStack = stack === undefined ? [] : ["--stack", stack];
    return runCommand(program, [...args, ...ofStack, "--non-interactive"], {
      ...options,
      environment: { PULUMI_SKIP_UPDATE_CHECK: "true", ...environment },
    });
  }

  /**
   * @returns what a command prints that succeeds within a minute
   * @throws UserError when there is no Pulumi or no such stack, or when the command fails
   */
  async ask(args: readonly string[], input?: string): Promise<string> {
    const { exitCode, isMissing, timedOut, stdout, stderr } = await this.run(args, { input, timeout: answerLimit });
    // Further arguments may be values.
    const command = `pulumi ${args.slice(0, 2).join(" ")}`;
    if (isMissing) {
      throw new UserError("The command pulumi was not found. Install it: https://www.pulumi.com/docs/install/");
    }
    if (timedOut) {
      throw new UserError(`${command} did not end within ${answerLimit / 1000} s.`);
    }
    if (exitCode !== 0) {
      const { mask = (text: string) => text } = this.#options;
      const message = mask(stderr.trim().replace(/^error: /, ""));
      const unknown = /^no stack named '(.+)' found/.exec(message)?.[1];
      throw new UserError(
        unknown === undefined
          ? `${command}: ${message}`
          : `There is no stack ${unknown}. To list the stacks: pulumi stack ls`,
      );
    }
    return stdout;
  }

  /**
   * @returns the JSON document that a command prints
   * @throws UserError as {@link ask}, and when the document has an unexpected format
   */
  async json<Schema extends z.ZodType>(schema: Schema, args: readonly string[]): Promise<z.output<Schema>> {
    const parsed = schema.safeParse(JSON.parse(await this.ask([...args, "--json"])));
    if (!parsed.success) {
      throw new UserError(`pulumi ${args.join(" ")} has an unexpected format:\n${z.prettifyError(parsed.error)}`);
    }
    return parsed.data;
  }

  /**
   * Encrypts a value into the stack's configuration.
   * @param path of the key, such as `gitlab-runner:cache.credentials.accessKey`
   * @throws UserError as {@link ask}
   */
  async setSecret(path: string, value: string): Promise<void> {
    await this.ask(["config", "set", "--secret", "--path", path], value);
  }
}
