import { parse, YAMLParseError } from "yaml";

/**
 * Parses YAML that may hold secrets.
 * @param subject what the text is, such as the name of its file
 * @param reviver changes values, as in JSON.parse
 * @throws Error that says where the text is not YAML; like the parser's warnings, which are off, the parser's own message
 * would quote the text
 */
export function parseYaml(
  text: string,
  subject: string,
  reviver: (key: unknown, value: unknown) => unknown = (_, value) => value,
): unknown {
  try {
    return parse(text, reviver, { logLevel: "error" });
  } catch (error) {
    const place = error instanceof YAMLParseError ? error.linePos?.[0] : undefined;
    throw new Error(
      `${subject} is not YAML${place === undefined ? "" : `: see line ${place.line}, column ${place.col}`}`,
    );
  }
}
