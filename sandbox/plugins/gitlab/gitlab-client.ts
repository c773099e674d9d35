import type { Gitlab as GitLabApi } from "@gitbeaker/rest";
import pRetry, { AbortError } from "p-retry";

/** URL of GitLab's API, and the access token. */
export interface GitLabConnection {
  /** Ends with `api/v4/`. */
  readonly baseUrl: string;
  /** Personal, group or project access token. */
  readonly token: string;
}

type Api = InstanceType<typeof GitLabApi<false>>;

/** Settings of the real provider that Node's `fetch` does not support. */
const unsupportedSettings = ["clientCert", "clientKey", "configFile", "context", "headers", "insecure"];

/**
 * As patient as the published provider: six tries in about twelve seconds.
 * https://gitlab.com/gitlab-org/api/client-go/-/blob/v2.46.0/gitlab.go#L680
 */
const patience = { retries: 5, minTimeout: 800, factor: 1.5 };

/** Errors before a connection was established. */
const unreached = ["ECONNREFUSED", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"];

/**
 * @param config the provider's own configuration, `gitlab:token` and `gitlab:baseUrl`
 * @param environment has `GITLAB_TOKEN` and `GITLAB_BASE_URL`, which apply if the configuration does not set them
 * @throws Error with the settings that are missing or not supported
 */
export function gitlabConnection(
  config: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string | undefined>>,
): GitLabConnection {
  const unsupported = unsupportedSettings.filter((key) => !["", "false", "{}", undefined].includes(config[key]));
  if (unsupported.length > 0) {
    throw new Error(
      `gitlab: ${unsupported.map((key) => `gitlab:${key}`).join(", ")}: this stand-in does not know it; the real plugin does`,
    );
  }
  const token = config.token ?? environment.GITLAB_TOKEN;
  if (!token) {
    throw new Error(
      "gitlab: no token. Set GITLAB_TOKEN, or run `pulumi config set --secret gitlab:token`, with an access token of scope api.",
    );
  }
  const baseUrl = config.baseUrl ?? environment.GITLAB_BASE_URL ?? "https://gitlab.com/api/v4/";
  if (!/^https?:$/.test(URL.parse(baseUrl)?.protocol ?? "")) {
    throw new Error(
      `gitlab: gitlab:baseUrl is ${JSON.stringify(baseUrl)}, no http(s) address such as https://gitlab.com/api/v4/`,
    );
  }
  return { token, baseUrl };
}

/** GitLab answered with an error, or not at all; the message has the status, reason and URL, never the token. */
export class GitLabError extends Error {
  override readonly name = "GitLabError";
  /** HTTP status; undefined without a response. */
  readonly status: number | undefined;

  constructor(message: string, status: number | undefined) {
    super(message);
    this.status = status;
  }
}

/** Calls GitLab's API; retries, like the published provider, if GitLab is overloaded or unreachable. */
export class GitLabClient {
  readonly #connection: GitLabConnection;
  #api: Promise<Api> | undefined;

  constructor(connection: GitLabConnection) {
    this.#connection = connection;
  }

  /**
   * @param what the operation, such as `create the runner`
   * @throws GitLabError
   */
  async call<Result>(what: string, signal: AbortSignal, request: (api: Api) => Promise<Result>): Promise<Result> {
    this.#api ??= this.#connect();
    const api = await this.#api;
    try {
      return await pRetry(
        async () => {
          try {
            return await request(api);
          } catch (error) {
            throw isTemporary(error) ? error : new AbortError(error as Error);
          }
        },
        { ...patience, signal },
      );
    } catch (error) {
      throw this.#explain(what, signal, error);
    }
  }

  async #connect(): Promise<Api> {
    const { Gitlab } = await import("@gitbeaker/rest");
    const host = this.#connection.baseUrl.replace(/\/+$/, "").replace(/\/api\/v4$/, "");
    return new Gitlab({ host, token: this.#connection.token });
  }

  #explain(what: string, signal: AbortSignal, error: unknown): GitLabError {
    const at = this.#connection.baseUrl;
    if (signal.aborted) {
      return new GitLabError(`gitlab: could not ${what} at ${at}: cancelled or out of time`, undefined);
    }
    const status = statusOf(error);
    const reason = error instanceof Error ? describe(error) : String(error);
    return new GitLabError(
      status === undefined
        ? `gitlab: could not ${what}: no usable answer from ${at}: ${reason}`
        : `gitlab: could not ${what}: ${at} answered ${status}: ${reason}`,
      status,
    );
  }
}

/** A call whose connection broke is not retried, since GitLab may have processed it. */
function isTemporary(error: unknown): boolean {
  if (!(error instanceof Error)) {
    return false;
  }
  const status = statusOf(error) ?? 0;
  const { code = "" } = (error.cause ?? {}) as { code?: string };
  return (status >= 500 && status !== 501) || error.name === "GitbeakerRetryError" || unreached.includes(code);
}

function statusOf(error: unknown): number | undefined {
  const cause = error instanceof Error ? (error.cause as { response?: { status?: number } } | undefined) : undefined;
  return cause?.response?.status;
}

/** `fetch` hides the reason of a failed connection in its error's cause. */
function describe(error: Error): string {
  const cause = error.cause;
  return cause instanceof Error
    ? `${error.message}: ${cause.message || String((cause as { code?: string }).code)}`
    : error.message;
}
