import { callLimit } from "./time-limit.ts";

/** A proxy may respond with an entire page. */
const longest = 300;

/** Errors of the clients, as far as they are used here. */
interface ClientError extends Error {
  /** Of the S3 client, `AccessDenied`; of Node.js, `ECONNREFUSED`; of the Kubernetes client, the HTTP status. */
  readonly code?: string | number;
  /** Of the Kubernetes client: the answer. */
  readonly body?: unknown;
}

/** @returns what went wrong in one line: the server's message, without headers, credentials in URLs, or a stack trace */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) {
    return oneLine(String(error));
  }
  const { code, body, message, name, cause } = error as ClientError;
  const status = httpStatus(error);
  if (name === "TimeoutError" || name === "AbortError" || name === "GitbeakerTimeoutError") {
    return `no answer within ${callLimit / 1000} s`;
  }
  if (typeof code === "number") {
    return oneLine(`HTTP ${code}: ${statusMessage(body) ?? message}`);
  }
  if (status !== undefined) {
    return oneLine(`HTTP ${status}: ${message}`);
  }
  if (cause instanceof Error) {
    // `fetch` hides the reason of a failed connection in its error's cause, and several of them in the errors of that.
    const causes = cause instanceof AggregateError ? (cause.errors as unknown[]) : [cause];
    return describeError(causes[0] ?? message);
  }
  if (typeof code === "string" && !message.includes(code)) {
    return oneLine(message === "" ? code : `${code}: ${message}`);
  }
  return oneLine(message);
}

/** @returns the HTTP status of a server's refusal, for any of the clients; undefined if there was no response */
export function httpStatus(error: unknown): number | undefined {
  if (!(error instanceof Error)) {
    return undefined;
  }
  const { code, cause } = error as ClientError;
  if (typeof code === "number") {
    return code;
  }
  return (cause as { response?: { status?: number } } | undefined)?.response?.status;
}

/** @returns the code of an S3 or system error, such as `NoSuchBucket` or `ENOTFOUND` */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) {
    return undefined;
  }
  const { code, cause } = error as ClientError;
  return typeof code === "string" ? code : errorCode(cause);
}

/** The message of a Kubernetes `Status`, which comes parsed or as text. */
function statusMessage(body: unknown): string | undefined {
  if (typeof body === "string") {
    try {
      return statusMessage(JSON.parse(body)) ?? body;
    } catch {
      return body;
    }
  }
  const message = (body as { message?: unknown } | null | undefined)?.message;
  return typeof message === "string" ? message : undefined;
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > longest ? `${line.slice(0, longest)}…` : line;
}
