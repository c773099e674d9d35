import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { EmulatorControl } from "../../sandbox/gitlab/control.ts";
import { startGitLabEmulator, type EmulatorOptions } from "../../sandbox/gitlab/emulator.ts";
import type { EmulatorSeed } from "../../sandbox/gitlab/seed.ts";
import { checkAnswer } from "./gitlab-openapi.ts";

/** Guards the control surface of every test's emulator. */
export const controlToken = "control-token";

/** An administrator, one with every right in their own project, and tokens of few scopes. */
export const tokens = {
  admin: "glpat-admin-0123456789",
  dev: "glpat-dev-0123456789ab",
  outsider: "glpat-outsider-012345",
  runnerScopes: "glpat-runner-scopes-01",
  readOnly: "glpat-read-only-01234",
  revoked: "glpat-revoked-0123456",
  expired: "glpat-expired-0123456",
} as const;

/** Projects 1 and 2 are everyone's to manage but the outsider's, 3 is the administrator's; group 10 holds 1 and 2. */
export const seed = {
  controlToken,
  accessTokens: [
    { token: tokens.admin, username: "root", scopes: ["api"], admin: true },
    { token: tokens.dev, username: "dev", scopes: ["api"] },
    { token: tokens.outsider, username: "outsider", scopes: ["api"] },
    { token: tokens.runnerScopes, username: "dev", scopes: ["create_runner", "manage_runner"] },
    { token: tokens.readOnly, username: "dev", scopes: ["read_api"] },
    { token: tokens.revoked, username: "dev", scopes: ["api"], revoked: true },
    { token: tokens.expired, username: "dev", scopes: ["api"], expiresAt: "2020-01-01T00:00:00Z" },
  ],
  groups: [{ id: 10, path: "homelab", maintainers: ["dev"] }],
  projects: [
    { id: 1, path: "homelab/one", maintainers: ["dev"] },
    { id: 2, path: "homelab/two", maintainers: ["dev"] },
    { id: 3, path: "elsewhere/three", maintainers: [] },
  ],
} satisfies EmulatorSeed;

/** A call of a test. */
export interface Call {
  /** Access token; none is sent without. */
  readonly token?: string;
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, string>> | readonly (readonly [string, string])[];
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer, read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed if JSON. */
  readonly body: unknown;
}

/** An emulator for one test, which closes it. */
export interface TestServer {
  readonly url: string;
  readonly control: EmulatorControl;
  /** Calls the API and checks the answer against GitLab's document; the path begins after `/api/v4`. */
  call(method: string, path: string, call?: Call): Promise<Answer>;
  /** Creates a project runner in project 1 as `dev`; the fields go on top. */
  createRunner(fields?: Readonly<Record<string, unknown>>, token?: string): Promise<{ id: number; token: string }>;
}

function request(method: string, { token, json, form, text, headers }: Call): RequestInit {
  const fields =
    form && new URLSearchParams(Array.isArray(form) ? (form as [string, string][]) : (form as Record<string, string>));
  const body = json === undefined ? (fields ?? text) : JSON.stringify(json);
  return {
    method,
    headers: {
      ...(token === undefined ? {} : { "PRIVATE-TOKEN": token }),
      ...(json === undefined ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  };
}

/** Starts an emulator that ends with the test. */
export async function startServer(t: TestContext, options: Partial<EmulatorOptions> = {}): Promise<TestServer> {
  const emulator = await startGitLabEmulator({ seed, ...options });
  t.after(() => emulator.close());
  const server: TestServer = {
    url: emulator.url,
    control: new EmulatorControl(emulator.url, controlToken),
    async call(method, path, call = {}) {
      const response = await fetch(`${emulator.url}/api/v4${path}`, request(method, call));
      const content = await response.text();
      const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
      const body: unknown = isJson ? JSON.parse(content) : content;
      checkAnswer(method, new URL(response.url).pathname, response.status, body);
      return { status: response.status, headers: response.headers, body };
    },
    async createRunner(fields = {}, token = tokens.dev) {
      const json = { runner_type: "project_type", project_id: 1, ...fields };
      const { status, body } = await server.call("POST", "/user/runners", { token, json });
      assert.equal(status, 201, JSON.stringify(body));
      return body as { id: number; token: string };
    },
  };
  return server;
}

/** The fields of an answer's body. */
export function fields(answer: Answer): Record<string, unknown> {
  assert.ok(typeof answer.body === "object" && answer.body !== null, "the body is no object");
  return answer.body as Record<string, unknown>;
}

/** The ids of an answer that is a list. */
export function ids(answer: Answer): number[] {
  assert.ok(Array.isArray(answer.body), JSON.stringify(answer.body));
  return (answer.body as { id: number }[]).map(({ id }) => id);
}
