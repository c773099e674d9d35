/** Something that a person can mend; the command line prints its message without a stack trace. */
export class GraphError extends Error {
  override readonly name = "GraphError";
}
