/** The doctor cannot work, which says nothing about the stack; the command line prints its message without a stack trace. */
export class DoctorError extends Error {
  override readonly name = "DoctorError";
}
