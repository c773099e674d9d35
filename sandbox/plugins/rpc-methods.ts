import type { sendUnaryData, ServerUnaryCall, UntypedHandleCall } from "@grpc/grpc-js";
import { toServiceError } from "./rpc-errors.ts";

/**
 * Creates a gRPC method from a function.
 *
 * @param answer gets the method's request, whose type only the service's definition knows
 */
export function unary(answer: (request: never) => unknown): UntypedHandleCall {
  return (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) => {
    void Promise.resolve()
      .then(() => answer(call.request as never))
      .then(
        (response) => {
          callback(null, response);
        },
        (error: unknown) => {
          callback(toServiceError(error), null);
        },
      );
  };
}
