/** The API server answered with an error, or not at all; the message says which server, and what it said. */
export class KubernetesError extends Error {
  override readonly name = "KubernetesError";
  /** HTTP status; undefined where there was no answer. */
  readonly status: number | undefined;

  constructor(message: string, status: number | undefined) {
    super(message);
    this.status = status;
  }
}
