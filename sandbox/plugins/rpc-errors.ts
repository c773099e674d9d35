import { Metadata, status } from "@grpc/grpc-js";
import type { ServiceError } from "@grpc/grpc-js";
import providerProto from "@pulumi/pulumi/proto/provider_pb.js";
import statusProto from "@pulumi/pulumi/proto/status_pb.js";
import anyProto from "google-protobuf/google/protobuf/any_pb.js";
import { toStruct } from "./property-values.ts";
import { ResourceInitError } from "./resource-handler.ts";

/** An error with a gRPC status code. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: status;

  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}

/** @returns the error for gRPC: its message without a stack, and for a ResourceInitError with the incomplete resource */
export function toServiceError(error: unknown): ServiceError {
  const message = asHeader(error instanceof Error ? error.message : String(error));
  const code = error instanceof RpcError ? error.code : status.UNKNOWN;
  const metadata = new Metadata();
  if (error instanceof ResourceInitError) {
    metadata.add("grpc-status-details-bin", initFailure(error, code));
  }
  return Object.assign(new Error(message), { code, details: message, metadata });
}

/** gRPC sends it in a header: half a character would end the process, and too much of it the connection. */
function asHeader(message: string): string {
  return (message.length > 4_000 ? `${message.slice(0, 4_000)}…` : message).toWellFormed();
}

/** The engine reads the incomplete resource from the details of gRPC's status, which are sent in a separate header. */
function initFailure(error: ResourceInitError, code: status): Buffer {
  const failure = new providerProto.ErrorResourceInitFailed()
    .setId(error.state.id)
    .setProperties(toStruct(error.state.outputs))
    .setInputs(toStruct(error.inputs))
    .setReasonsList([...error.reasons]);
  const detail = new anyProto.Any();
  detail.pack(failure.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const rpcStatus = new statusProto.Status().setCode(code).setMessage(error.message);
  rpcStatus.addDetails(detail);
  return Buffer.from(rpcStatus.serializeBinary());
}
