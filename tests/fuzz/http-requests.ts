import fc from "fast-check";
import { oddJson, oddKeys, oddNumbers, oddTexts } from "./odd-values.ts";

/** What a server takes, to be near it. */
export interface Surface {
  /** Methods and paths, with a body that is right; `:name` in a path stands for anything. */
  readonly routes: Readonly<Record<string, object | undefined>>;
  /** What such a part of a path is where there is what it names. */
  readonly ids: readonly string[];
  /** Lines of a head with which it lets a request in. */
  readonly rights: readonly string[];
  /** Names of parameters and of fields of bodies. */
  readonly names: readonly string[];
  /** Values that some of them, or a part of a path, may have. */
  readonly values: readonly string[];
  /** Names of headers that it reads. */
  readonly headers: readonly string[];
}

/** Where the port stands in a request. */
export const portMark = "{port}";

const methods = fc.constantFrom(
  ...["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "QUERY", "M-SEARCH"],
  ...["get", "", "G ET", "GETGETGETGET", "\u0000", "PRI"],
);

const escapes = fc.constantFrom(
  ...[
    "%",
    "%%",
    "%0",
    "%00",
    "%ZZ",
    "%2F",
    "%2f..%2f",
    "%2e%2e",
    "..",
    ".",
    "%252e",
    "%c0%ae",
    "%F0%9F%98%80",
    "%ff",
    "+",
  ],
  ...["-1", "0", "1e3", "0x1", "9".repeat(30), "1.5", "*", "~", ";a=b", ":", "[", "a".repeat(9_000), "%20", "\\", "//"],
);

function joined(...parts: readonly (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string> {
  return fc
    .tuple(...parts.map((part) => (typeof part === "string" ? fc.constant(part) : part)))
    .map((texts) => texts.join(""));
}

/** @returns text without what would end the head of a request, mostly */
function inHead(text: string): string {
  return text.replaceAll(/[\r\n\0]/g, "").slice(0, 3_000);
}

type Body = readonly [content: string, type: string];

/** A request, before it is bytes. */
interface Parts {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly host: string;
  readonly headers: readonly string[];
  readonly body: Body;
  readonly framing: string;
}

/** Requests in bytes, most of them malformed. */
export function httpRequests(surface: Surface): fc.Arbitrary<Buffer> {
  const { names, values } = surface;
  const name = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: oddKeys });
  const value = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...values) },
    { weight: 1, arbitrary: escapes },
    { weight: 1, arbitrary: oddTexts.map((text) => encodeURIComponent(text.toWellFormed()).slice(0, 5_000)) },
  );
  const right = rightRequests(surface, name, value);
  const wrong = fc.tuple(right, wrongParts(surface, name, value)).map(([parts, change]) => ({ ...parts, ...change }));
  const request = fc.oneof({ weight: 3, arbitrary: right }, { weight: 2, arbitrary: wrong }).map(bytesOf);
  const cutOff = fc.tuple(request, fc.nat(400)).map(([bytes, length]) => bytes.subarray(0, length));
  return fc.oneof(
    { weight: 20, arbitrary: request },
    { weight: 1, arbitrary: cutOff },
    { weight: 1, arbitrary: noise },
  );
}

/** What is no HTTP. */
const noise = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom(
      "\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "\u0016\u0003\u0001\u0002",
      "GET / HTTP/1.1\r\n\r\n",
      "GET /\r\n\r\n",
    )
    .map((text) => Buffer.from(text)),
  fc
    .constantFrom(20_000, 300_000)
    .map((length) => Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\nA: ${"a".repeat(length)}\r\n\r\n`)),
);

/** Requests that are HTTP, with rights, to a route that there is, most of them with something odd in path, query or body. */
function rightRequests(
  { routes, ids, rights }: Surface,
  name: fc.Arbitrary<string>,
  value: fc.Arbitrary<string>,
): fc.Arbitrary<Parts> {
  return fc.constantFrom(...Object.entries(routes)).chain(([route, good]) => {
    const [method = "", template = ""] = route.split(" ");
    const id = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...ids) }, { weight: 1, arbitrary: value });
    const path = joined(...template.split(/(:\w+)/).map((part) => (part.startsWith(":") ? id : part)));
    const query = fc
      .array(joined(fieldOf(name), fc.constantFrom("=", "=", "=", ""), value), { maxLength: 4 })
      .map((parts) => (parts.length === 0 ? "" : `?${parts.join("&")}`));
    const changes = [fc.tuple(name, oddJson()), ...Object.entries(good ?? {}).map(([key, found]) => oddOf(key, found))];
    const json = fc
      .oneof({ weight: 1, arbitrary: fc.constant([]) }, { weight: 5, arbitrary: someOf(...changes) })
      .map((changed) => JSON.stringify({ ...good, ...Object.fromEntries(changed) }));
    const none: Body = ["", ""];
    return fc.record({
      method: fc.constant(method),
      target: joined(path, fc.oneof({ weight: 3, arbitrary: fc.constant("") }, { weight: 1, arbitrary: query })),
      version: fc.constant("HTTP/1.1"),
      host: fc.constant(`127.0.0.1:${portMark}`),
      headers: fc.constant(rights),
      body: good === undefined ? fc.constant(none) : json.map((content): Body => [content, "application/json"]),
      framing: fc.constant("length"),
    });
  });
}

function someOf<Value>(...values: readonly fc.Arbitrary<Value>[]): fc.Arbitrary<Value[]> {
  return fc.array(fc.oneof(...values), { minLength: 1, maxLength: 3 });
}

/** @returns something odd for a key, most often of the type that it should have */
function oddOf(key: string, found: unknown): fc.Arbitrary<[string, unknown]> {
  const likely = typeof found === "number" ? oddNumbers : typeof found === "string" ? oddTexts : oddJson();
  return fc.tuple(fc.constant(key), fc.oneof({ weight: 2, arbitrary: likely }, { weight: 1, arbitrary: oddJson() }));
}

function fieldOf(name: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return joined(name, fc.constantFrom("", "", "", "[]", "[0]", "[a]", "[a][b]", "[__proto__][a]", "[", "]", "[][]"));
}

/** What to put in the place of parts of a request that is right. */
function wrongParts(
  { headers, values, rights }: Surface,
  name: fc.Arbitrary<string>,
  value: fc.Arbitrary<string>,
): fc.Arbitrary<Partial<Parts>> {
  const target = fc.oneof(
    joined("/", escapes, "/", escapes),
    joined("/", oddTexts.map(inHead)),
    fc.constantFrom(
      "",
      "*",
      "/",
      "http://evil.example/",
      "//evil.example/",
      "/?",
      "/#",
      "a b",
      "127.0.0.1:1",
      "/-/../-/",
    ),
  );
  const header = joined(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...headers) },
      { weight: 1, arbitrary: fc.constantFrom(...otherHeaders) },
    ),
    ": ",
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...values) },
      { weight: 1, arbitrary: oddTexts.map(inHead) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          "100-continue",
          "websocket",
          "bytes=0-",
          "gzip",
          "chunked",
          "-1",
          "99999999999",
          "*",
          "trailers",
        ),
      },
    ),
  );
  const host = fc.constantFrom(
    `localhost:${portMark}`,
    "evil.example",
    "",
    "a b",
    "[::1",
    "127.0.0.1:99999",
    "a/b",
    "é",
    "@",
  );
  const lines = fc.tuple(fc.constantFrom([], rights), fc.array(header, { minLength: 1, maxLength: 4 }));
  // What the head says of the body: its length, in pieces, or a lie.
  const framing = fc.constantFrom("chunked", "short", "long", "none", "broken chunks");
  return fc.oneof(
    { weight: 2, arbitrary: fc.record({ target }) },
    { weight: 2, arbitrary: fc.record({ method: methods }) },
    { weight: 1, arbitrary: fc.record({ host }) },
    { weight: 1, arbitrary: fc.record({ version: fc.constantFrom("HTTP/1.0", "HTTP/9.9", "") }) },
    { weight: 3, arbitrary: lines.map(([some, others]) => ({ headers: [...some, ...others] })) },
    { weight: 4, arbitrary: fc.record({ body: bodies(name, value) }) },
    { weight: 2, arbitrary: fc.record({ body: bodies(name, value), framing }) },
  );
}

const otherHeaders = [
  ...["Expect", "Upgrade", "Range", "Cookie", "X-HTTP-Method-Override", "Accept", "Origin", "If-None-Match", "", "A B"],
  ...["Transfer-Encoding", "Content-Length", "Te", "Trailer", "Content-Encoding"],
];

const otherTypes = [
  ...["application/json", "text/plain", "", "a/b/c", "multipart/form-data", "application/json; charset=utf-16"],
  ...["application/JSON;;", "\u00e9"],
];

function bodies(name: fc.Arbitrary<string>, value: fc.Arbitrary<string>): fc.Arbitrary<Body> {
  const field = fieldOf(name);
  const json = oddJson(name).map((content) => JSON.stringify(content));
  const form = fc.array(joined(field, "=", value), { maxLength: 6 }).map((parts) => parts.join("&"));
  const longForm = fc.tuple(field, fc.constantFrom(100, 200_000)).map(([one, count]) => `${one}=1&`.repeat(count));
  const multipart = fc
    .tuple(fc.array(fc.tuple(field, oddTexts), { maxLength: 3 }), fc.constantFrom("--b--\r\n", "--b", ""))
    .map(
      ([parts, end]) =>
        `${parts.map(([one, text]) => `--b\r\nContent-Disposition: form-data; name="${one}"\r\n\r\n${text}\r\n`).join("")}${end}`,
    );
  const other = fc.oneof(
    oddTexts,
    fc.constantFrom("[", '{"a":').map((open) => open.repeat(200_000)),
    fc.constantFrom(1_000_000, 20_000_000).map((length) => `{"description":"${"a".repeat(length)}"}`),
    fc.constantFrom("", "null", "[]", "1", '"a"', "{"),
  );
  const typed = (content: fc.Arbitrary<string>, type: string) => content.map((text): Body => [text, type]);
  return fc.oneof(
    { weight: 4, arbitrary: typed(json, "application/json") },
    {
      weight: 2,
      arbitrary: typed(
        json.map((text) => text.slice(0, text.length / 2)),
        "application/json",
      ),
    },
    { weight: 4, arbitrary: typed(form, "application/x-www-form-urlencoded") },
    { weight: 1, arbitrary: typed(longForm, "application/x-www-form-urlencoded") },
    { weight: 2, arbitrary: typed(multipart, "multipart/form-data; boundary=b") },
    { weight: 2, arbitrary: fc.tuple(other, fc.constantFrom(...otherTypes)) },
  );
}

function bytesOf({ method, target, version, host, headers, body: [content, type], framing }: Parts): Buffer {
  const { framed, lines } = frame(Buffer.from(content), content === "" ? "none" : framing);
  const head = [
    `${method} ${target} ${version}`,
    `Host: ${host}`,
    ...headers,
    ...(type === "" ? [] : [`Content-Type: ${type}`]),
    ...lines,
    "Connection: close",
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), framed]);
}

function frame(bytes: Buffer, framing: string): { framed: Buffer; lines: readonly string[] } {
  switch (framing) {
    case "length":
      return { framed: bytes, lines: [`Content-Length: ${bytes.length}`] };
    case "short":
      return { framed: bytes, lines: [`Content-Length: ${Math.floor(bytes.length / 2)}`] };
    case "long":
      return { framed: bytes, lines: [`Content-Length: ${bytes.length + 10}`] };
    case "chunked":
    case "broken chunks": {
      const size = framing === "chunked" ? bytes.length.toString(16) : "zz";
      const framed = Buffer.concat([Buffer.from(`${size}\r\n`), bytes, Buffer.from("\r\n0\r\n\r\n")]);
      return { framed, lines: ["Transfer-Encoding: chunked"] };
    }
    default:
      return { framed: bytes, lines: [] };
  }
}

/** @returns a request with a mark replaced */
export function filled(request: Buffer, marks: Readonly<Record<string, string>>): Buffer {
  const end = request.subarray(0, 20_000);
  const head = Object.entries(marks).reduce(
    (text, [mark, value]) => text.replaceAll(mark, value),
    end.toString("latin1"),
  );
  return Buffer.concat([Buffer.from(head, "latin1"), request.subarray(20_000)]);
}
