import fc from "fast-check";

/** Parts that TOML, YAML, JSON, Helm's templates or a shell take for something else than text. */
const special = [
  ...[
    "{{",
    "}}",
    "{{-",
    "-}}",
    '{{ "{{" }}',
    "{{ .Values }}",
    "{{/*",
    "*/}}",
    "{",
    "}",
    "{{{",
    "$(x)",
    "${X}",
    "`",
    "#",
  ],
  ...[
    '"',
    "'",
    '"""',
    "'''",
    "\\",
    "\\n",
    "\\u0041",
    "\\x",
    "\n",
    "\r\n",
    "\r",
    "\t",
    " ",
    "  \n",
    "\n  - ",
    "---\n",
    "|",
    ">",
    ": ",
  ],
  ...[
    "\0",
    "\u0007",
    "\u001b",
    "\u007f",
    "\u0085",
    "\u00a0",
    "\u2028",
    "\u2029",
    "\ufeff",
    "\ufffe",
    "é",
    "e\u0301",
    "😀",
    "\u{10ffff}",
  ],
];

/** Any text without half a surrogate pair. */
export const anyText = fc
  .array(fc.oneof(fc.string({ unit: "binary", maxLength: 6 }), fc.constantFrom(...special)), { maxLength: 6 })
  .map((parts) => parts.join(""));

const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
const names = fc.array(name, { minLength: 1, maxLength: 3 }).map((labels) => labels.join("."));
const path = fc.stringMatching(/^[a-z0-9]{1,8}(\/[a-z0-9]{1,8}){0,2}$/);
const port = fc.integer({ min: 1, max: 65_535 });

function joined(...parts: fc.Arbitrary<string | number>[]): fc.Arbitrary<string> {
  return fc.tuple(...parts).map((texts) => texts.join(""));
}

/** Texts that look like what settings are usually set to; of these, a schema takes some. */
export const usualTexts: readonly fc.Arbitrary<string>[] = [
  name,
  names, // Of hosts and Kubernetes objects.
  fc.stringMatching(/^([a-z]{1,8}(\.[a-z]{1,8}){0,2}\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?$/), // Labels.
  fc.constantFrom("$CI_PROJECT_ID", "p-${CI_JOB_ID}"),
  joined(names, fc.constant(":"), port),
  joined(names, fc.constant("/"), path, fc.constant(":"), name), // Images with a tag.
  joined(fc.constantFrom("http://", "https://"), names, fc.constantFrom("", "/", ":8080"), fc.constantFrom("", "/x")),
  joined(fc.integer({ min: 1, max: 999 }), fc.constantFrom("", "m", ".5")),
  joined(fc.integer({ min: 1, max: 2 ** 20 }), fc.constantFrom("", "k", "M", "Ki", "Mi", ".0Mi", "Gi", "e3")),
  joined(fc.ipV4(), fc.constant("/"), fc.nat(32)),
  joined(fc.ipV6(), fc.constant("/"), fc.nat(128)),
  joined(fc.nat(9), fc.constant("."), fc.nat(99), fc.constant("."), fc.nat(9)), // Versions.
];
