import type { sendUnaryData, ServerUnaryCall, UntypedHandleCall } from "@grpc/grpc-js";
import { toServiceError } from "./rpc-errors.ts";

/**
 * Makes a gRPC method out of a function.
 *
 * @param answer gets the message that the method takes, which the service's definition alone knows
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
