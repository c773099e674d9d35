import type { ContentfulStatusCode } from "hono/utils/http-status";

/** An error response with GitLab's wording. */
export class ApiError extends Error {
  readonly status: ContentfulStatusCode;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: ContentfulStatusCode,
    body: Readonly<Record<string, unknown>>,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(`HTTP ${status}`);
    this.name = "ApiError";
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

function withReason(text: string, reason?: string): { message: string } {
  return { message: reason === undefined ? text : `${text} - ${reason}` };
}

/** 400 for a rule of a service or a model. */
export function badRequest(reason: string): ApiError {
  return new ApiError(400, withReason("400 Bad request", reason));
}

/** 400 for missing parameters or a wrong type or value. */
export function invalidParameters(problems: string): ApiError {
  return new ApiError(400, { error: problems });
}

/** 400 for a record that fails validation: messages by attribute. */
export function validationFailed(messages: Readonly<Record<string, readonly string[]>>): ApiError {
  return new ApiError(400, { message: messages });
}

/** 401 for a call without a token. */
export function unauthorized(): ApiError {
  return new ApiError(401, { message: "401 Unauthorized" });
}

/** 401 for a token that is unknown, expired or revoked. */
export function invalidToken(description: string): ApiError {
  return new ApiError(
    401,
    { error: "invalid_token", error_description: description },
    { "WWW-Authenticate": `Bearer realm="The API", error="invalid_token", error_description="${description}"` },
  );
}

/** 403 for a token without a required scope; lists the accepted ones. */
export function insufficientScope(wanted: readonly string[]): ApiError {
  return new ApiError(403, {
    error: "insufficient_scope",
    error_description: "The request requires higher privileges than provided by the access token.",
    scope: wanted.join(" "),
  });
}

/** 403, with a reason if GitLab gives one. */
export function forbidden(reason?: string, headers?: Readonly<Record<string, string>>): ApiError {
  return new ApiError(403, withReason("403 Forbidden", reason), headers);
}

/** 404 for a record of the kind named. */
export function notFound(kind: string): ApiError {
  return new ApiError(404, { message: `404 ${kind} Not Found` });
}
