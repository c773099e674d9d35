import { Client, credentials, type sendUnaryData, type Server, type ServerUnaryCall } from "@grpc/grpc-js";
import analyzerGrpc from "@pulumi/pulumi/proto/analyzer_grpc_pb.js";
import analyzerProto from "@pulumi/pulumi/proto/analyzer_pb.js";
import type { AnalyzerStackConfigureRequest } from "@pulumi/pulumi/proto/analyzer_pb.js";
import { maxMessageLength } from "../plugin-process.ts";
import { toServiceError } from "../rpc-errors.ts";
import { unary } from "../rpc-methods.ts";

/** The calls that the proxy answers itself. */
const own = ["handshake", "configureStack"];

/**
 * Stands between the engine and a policy pack. The engine tells a running pack which stack it is for; a pack in Node.js has to
 * know it when it starts. So the proxy takes that call first, and passes on all others once the pack runs.
 * Source: https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/policy_proxy.go
 */
export class PolicyProxy {
  readonly #stack = Promise.withResolvers<AnalyzerStackConfigureRequest | undefined>();
  readonly #pack = Promise.withResolvers<Client>();

  constructor() {
    // Without a call of the engine, nobody waits for a pack that cannot start.
    this.#pack.promise.catch(() => undefined);
  }

  /** The engine's description of the stack; undefined if it asks for something else first, as `pulumi policy` does. */
  get stack(): Promise<AnalyzerStackConfigureRequest | undefined> {
    return this.#stack.promise;
  }

  /** Makes the server answer the engine's calls. */
  addTo(server: Server): void {
    const others = Object.entries(analyzerGrpc.AnalyzerService).filter(([name]) => !own.includes(name));
    server.addService(
      {
        ...analyzerGrpc.AnalyzerService,
        ...Object.fromEntries(
          others.map(([name, method]) => [name, { ...method, requestDeserialize: asIs, responseSerialize: asIs }]),
        ),
      },
      {
        handshake: unary(() => new analyzerProto.AnalyzerHandshakeResponse()),
        configureStack: unary((request: AnalyzerStackConfigureRequest) => {
          this.#stack.resolve(request);
          return new analyzerProto.AnalyzerStackConfigureResponse();
        }),
        ...Object.fromEntries(others.map(([name, { path }]) => [name, this.#passOn(path)])),
      },
    );
  }

  /** Passes on all calls to the pack that listens on this port of 127.0.0.1, the description of the stack first. */
  async attach(port: number): Promise<void> {
    const options = { "grpc.max_receive_message_length": maxMessageLength };
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options);
    const stack = await this.stack;
    if (stack !== undefined) {
      await new Promise<void>((resolve) => {
        // An older pack does not know the call.
        client.makeUnaryRequest(configureStack, asIs, asIs, Buffer.from(stack.serializeBinary()), () => {
          resolve();
        });
      });
    }
    this.#pack.resolve(client);
  }

  /** Answers all calls with this error: the pack has not started. */
  fail(error: Error): void {
    this.#pack.reject(error);
  }

  #passOn(path: string) {
    return (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void => {
      this.#stack.resolve(undefined);
      this.#pack.promise.then(
        (client) => client.makeUnaryRequest(path, asIs, asIs, call.request, callback),
        (error: unknown) => {
          callback(toServiceError(error), null);
        },
      );
    };
  }
}

const configureStack = analyzerGrpc.AnalyzerService.configureStack.path;

function asIs(bytes: Buffer): Buffer {
  return bytes;
}
