/** Something that a person can mend; the command line prints its message without a stack trace. */
export class RenderError extends Error {
  override readonly name = "RenderError";
}
