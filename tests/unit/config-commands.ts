import type { StackFile } from "./config-reading.ts";

type Path = (string | number)[];

/**
 * What `pulumi config set` and `pulumi config rm` make of a stack's configuration, as version 3.259 of the CLI does it.
 * @param answer what one types when it asks for the value
 * @throws Error where the CLI refuses the command
 */
export function runConfigCommand(command: string, file: StackFile, answer?: string): StackFile {
  const [program, config, verb, ...words] = splitWords(command);
  if (program !== "pulumi" || config !== "config" || (verb !== "set" && verb !== "rm")) {
    throw new Error(`not a command of the configuration: ${command}`);
  }
  const { isPath, isSecret, isPlaintext, type, rest } = readFlags(words);
  const [keyText = "", text = answer, ...more] = rest;
  if (keyText === "" || more.length > 0) {
    throw new Error(`wrong number of arguments: ${command}`);
  }
  const values = structuredClone(file.values) as Record<string, unknown>;
  const [key, ...path] = isPath ? parsePath(keyText) : [keyText];
  const top = String(key);
  if (verb === "rm") {
    if (path.length === 0) {
      Reflect.deleteProperty(values, top);
    } else {
      remove(values[top], path);
    }
    return { ...file, values };
  }
  if (/(secret|password|token)s?(\[\d+\])?$/i.test(keyText) && !isSecret && !isPlaintext) {
    throw new Error(`looks like a secret: ${command}`);
  }
  if (text === undefined) {
    throw new Error(`asks for a value: ${command}`);
  }
  // Only below the top does the CLI take `true` and 5 for something else than text.
  const value = isPath && path.length > 0 && type !== "string" ? typed(text) : text;
  const old = values[top];
  // A plain value at the top gives way; one further down does not.
  values[top] = path.length === 0 ? value : put(typeof old === "object" && old !== null ? old : undefined, path, value);
  return { values, secrets: isSecret ? [...(file.secrets ?? []), top] : file.secrets };
}

function readFlags(words: readonly string[]) {
  const flags = { isPath: false, isSecret: false, isPlaintext: false, type: undefined as string | undefined };
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    if (word === "--path") {
      flags.isPath = true;
    } else if (word === "--secret") {
      flags.isSecret = true;
    } else if (word === "--plaintext") {
      flags.isPlaintext = true;
    } else if (word === "--type") {
      index += 1;
      flags.type = words[index];
    } else {
      // Flags stand first in all of our commands; `--` may stand between key and value.
      const rest = words.slice(index);
      const unknown = rest.find(
        (argument, place) => argument.startsWith("-") && rest[place - 1] !== "--" && argument !== "--",
      );
      if (unknown !== undefined) {
        throw new Error(`unknown flag: ${unknown}`);
      }
      return { ...flags, rest: rest.filter((argument) => argument !== "--") };
    }
  }
  throw new Error("no key");
}

/** Splits a command as a POSIX shell does, for words in single quotes and words that need none. */
function splitWords(command: string): string[] {
  return [...command.matchAll(/(?:[^\s'"$\\[\](){}*?;&|<>`#!~]|'[^']*'|\\')+|\S+/g)].map(([word]) => {
    if (!/^(?:[^\s'"$\\[\](){}*?;&|<>`#!~]|'[^']*'|\\')+$/.test(word)) {
      throw new Error(`a shell would not take this literally: ${word}`);
    }
    return word.replaceAll(/'([^']*)'|\\(')/g, "$1$2");
  });
}

function parsePath(text: string): Path {
  const path: Path = [];
  const part = /\["(?<quoted>(?:\\"|[^"])+)"\]|\[(?<index>\d+)\]|\.?(?<plain>[^.[\]]+)/y;
  while (part.lastIndex < text.length) {
    const groups = part.exec(text)?.groups;
    if (groups === undefined) {
      throw new Error(`not a path: ${text}`);
    }
    const { quoted, index, plain = "" } = groups;
    path.push(index === undefined ? (quoted?.replaceAll('\\"', '"') ?? plain) : Number(index));
  }
  return path;
}

function typed(text: string): unknown {
  const isNumber = /^(0|[+-]?[1-9]\d*)$/.test(text);
  return isNumber ? Number(text) : text === "true" || text === "false" ? text === "true" : text;
}

function put(container: unknown, [part, ...rest]: Path, value: unknown): unknown {
  const into = container ?? (typeof part === "number" ? [] : {});
  if (Array.isArray(into)) {
    if (typeof part !== "number") {
      throw new Error("key for an array must be an int");
    }
    if (part > into.length) {
      throw new Error("array index out of range");
    }
  } else if (typeof into !== "object") {
    throw new Error("expected a map");
  } else if (typeof part !== "string") {
    throw new Error("key for a map must be a string");
  }
  const object = into as Record<string | number, unknown>;
  // The CLI edits the stack's file, and leaves a value in quotes there; any text may be.
  const last = typeof object[part] === "string" ? String(value) : value;
  object[part] = rest.length === 0 ? last : put(object[part], rest, value);
  return object;
}

/** What is not there is not missed. */
function remove(container: unknown, [part = "", ...rest]: Path): void {
  if (typeof container !== "object" || container === null) {
    return;
  }
  if (rest.length > 0) {
    remove((container as Record<string | number, unknown>)[part], rest);
  } else if (Array.isArray(container) && typeof part === "number") {
    container.splice(part, 1);
  } else {
    Reflect.deleteProperty(container, part);
  }
}
