import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { marked, type Token } from "marked";
import { repository } from "../../../tools/repository.ts";

/** A block of commands in a guide, and what the guide says that they print. */
export interface Step {
  readonly section: string;
  readonly commands: string;
  /**
   * What stands behind `sh` in the block's first line, which no reader sees: `fails` where the last command is meant to,
   * `second-terminal` where the commands go on until the guide's end.
   */
  readonly marks: readonly string[];
  /** Lines that it prints, among others and in this order; `…` is for what differs, a line of `…` for any lines. */
  readonly prints: string | undefined;
}

/** A guide, as far as its code goes. */
export interface Guide {
  /** Path in the repository, such as `docs/rotation.md`. */
  readonly path: string;
  readonly steps: readonly Step[];
  /** Text that a section shows before its first command, by section: what one has seen who looks it up. */
  readonly symptoms: ReadonlyMap<string, string>;
  /** Files in a section, such as a `.gitlab-ci.yml`, by section. */
  readonly files: ReadonlyMap<string, string>;
  /** Commands in the running text. */
  readonly mentions: readonly string[];
  /** What it links to in this repository, from its own folder on, with anchors. */
  readonly links: readonly string[];
}

const programs = /^(?:\w+=\S+ )*(?:pulumi|npm|kubectl|helm|mc|microk8s|k3s|node|git) \S/;
const marks = ["fails", "second-terminal"];

/** All pages of documentation: the README, CONTRIBUTING, and those in `docs`. */
export function allGuides(): Guide[] {
  const docs = readdirSync(join(repository, "docs")).filter((name) => name.endsWith(".md"));
  return ["README.md", "CONTRIBUTING.md", ...docs.map((name) => `docs/${name}`)].map(readGuide);
}

/**
 * Reads a guide.
 * @param path - in the repository
 * @throws Error naming a block that a test could not check
 */
export function readGuide(path: string): Guide {
  return parseGuide(path, readFileSync(join(repository, path), "utf8"));
}

/** Like {@link readGuide}, of a text. */
export function parseGuide(path: string, text: string): Guide {
  const steps: Step[] = [];
  const symptoms = new Map<string, string>();
  const files = new Map<string, string>();
  const mentions: string[] = [];
  const links: string[] = [];
  let section = "";
  const read = (token: Token) => {
    if (token.type === "heading") {
      section = String(token["text"]);
    } else if (token.type === "codespan" && programs.test(String(token["text"]))) {
      mentions.push(String(token["text"]));
    } else if (token.type === "link" && !/^https?:/.test(String(token["href"]))) {
      links.push(String(token["href"]));
    } else if (token.type === "code") {
      const [language = "", ...given] = String(token["lang"] ?? "").split(" ");
      const code = String(token["text"]);
      const wrong = (what: string) => new Error(`${path}, section ${section}: ${what}\n${code}`);
      if (given.some((mark) => !marks.includes(mark))) {
        throw wrong(`a block is marked ${given.join(" ")}`);
      }
      const last = steps.at(-1);
      if (language === "sh") {
        steps.push({ section, commands: code, marks: given, prints: undefined });
      } else if (language === "text" && last?.section === section && last.prints === undefined) {
        steps[steps.length - 1] = { ...last, prints: code };
      } else if (language === "text" && last?.section !== section) {
        symptoms.set(section, code);
      } else if (["yaml", "ts", "mermaid"].includes(language)) {
        files.set(section, code);
      } else {
        throw wrong("neither commands (sh), nor what they print (text), nor a file");
      }
    }
  };
  void marked.walkTokens(marked.lexer(text), read);
  return { path, steps, symptoms, files, mentions, links };
}

/**
 * Compares what a guide says that commands print with what they have printed; how many spaces there are does not count.
 * @returns the first line that is not there, or undefined
 */
export function missingLine(expected: string, actual: string): string | undefined {
  const lines = actual.split("\n");
  let next = 0;
  for (const line of expected.split("\n").filter((each) => each.trim() !== "")) {
    const parts = line.split("…").map((part) => escaped(part.trim()).replaceAll(/\s+/g, "\\s+"));
    // A job's log has carriage returns within its lines.
    const pattern = new RegExp(`^\\s*${parts.join(".*")}\\s*$`, "s");
    const found = lines.findIndex((each, index) => index >= next && pattern.test(each));
    if (found === -1) {
      return line;
    }
    // A line of … alone is for any number of lines, none among them.
    next = line.trim() === "…" ? next : found + 1;
  }
  return undefined;
}

/** A text as part of a regular expression. */
export function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
