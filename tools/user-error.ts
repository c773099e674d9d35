/** Something that a person can fix; the commands print its message without a stack trace. */
export class UserError extends Error {
  override readonly name = "UserError";
}
