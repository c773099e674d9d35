import { InvalidArgumentError } from "commander";

/**
 * Reads an option of a command line.
 * @throws InvalidArgumentError where it is no natural number
 */
export function natural(text: string): number {
  if (!/^\d+$/.test(text)) {
    throw new InvalidArgumentError("It must be a natural number.");
  }
  return Number(text);
}
