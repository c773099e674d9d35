import type { ReadStream, WriteStream } from "node:tty";
import ansiEscapes from "ansi-escapes";
import { createLogUpdate } from "log-update";

/** A terminal that shows only this screen, and is then restored. */
export class FullScreen {
  /** Aborts when the user presses q or Ctrl-C, or the process gets a signal to end. */
  readonly ended: AbortSignal;
  readonly #ending = new AbortController();
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #log: ReturnType<typeof createLogUpdate>;
  readonly #draw: (size: { columns: number; rows: number }) => string;

  /** @param draw returns the screen for the terminal's size, with at most that many lines */
  constructor(input: ReadStream, output: WriteStream, draw: (size: { columns: number; rows: number }) => string) {
    this.ended = this.#ending.signal;
    this.#input = input;
    this.#output = output;
    this.#draw = draw;
    output.write(ansiEscapes.enterAlternativeScreen + ansiEscapes.cursorTo(0, 0));
    this.#log = createLogUpdate(output);
    if (input.isTTY) {
      input.setRawMode(true);
      input.on("data", this.#onKey);
    }
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, this.#onSignal);
    }
    output.on("resize", this.#onResize);
    process.on("exit", this.#restore);
  }

  /** Draws what has changed. */
  refresh(): void {
    if (!this.ended.aborted) {
      // The cursor stands on a line of its own, below.
      this.#log(this.#draw({ columns: this.#output.columns, rows: this.#output.rows - 1 }));
    }
  }

  /** Restores the terminal. */
  close(): void {
    this.#ending.abort();
    this.#restore();
    process.off("exit", this.#restore);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.off(signal, this.#onSignal);
    }
    this.#output.off("resize", this.#onResize);
    this.#input.off("data", this.#onKey);
    this.#input.pause();
  }

  readonly #onKey = (data: Buffer | string) => {
    const endOfText = "\u0003";
    if (["q", "Q", endOfText].some((key) => data.toString().includes(key))) {
      this.#ending.abort();
    }
  };

  readonly #onSignal = () => {
    this.#ending.abort();
  };

  readonly #onResize = () => {
    // Its lines may have been wrapped differently, so their positions are unknown.
    this.#log.clear();
    this.#output.write(ansiEscapes.eraseScreen + ansiEscapes.cursorTo(0, 0));
    this.refresh();
  };

  readonly #restore = () => {
    this.#log.done();
    this.#output.write(ansiEscapes.exitAlternativeScreen + ansiEscapes.cursorShow);
    if (this.#input.isTTY) {
      this.#input.setRawMode(false);
    }
  };
}
