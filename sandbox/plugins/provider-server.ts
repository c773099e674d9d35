import { status } from "@grpc/grpc-js";
import type { UntypedHandleCall } from "@grpc/grpc-js";
import pluginProto from "@pulumi/pulumi/proto/plugin_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import providerProto from "@pulumi/pulumi/proto/provider_pb.js";
import type * as pb from "@pulumi/pulumi/proto/provider_pb.js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import { diffValues, formatPath } from "./property-diff.ts";
import type { PropertyChange } from "./property-diff.ts";
import { fromStruct, toStruct } from "./property-values.ts";
import type { Properties } from "./property-values.ts";
import { createPluginServer, runPlugin } from "./plugin-process.ts";
import type { Operation, Provider, ResourceHandler } from "./resource-handler.ts";
import { RpcError } from "./rpc-errors.ts";
import { unary } from "./rpc-methods.ts";

/** A message of the engine that names a resource; fields that only some messages have are optional. */
interface ResourceRequest {
  getUrn(): string;
  getTimeout?(): number;
  getPreview?(): boolean;
}

/**
 * Runs a provider as a Pulumi resource plugin, over the engine's protocol: prints the port that it serves on, and
 * ends when the engine does.
 *
 * It does not accept marked secrets (`acceptSecrets`): the engine then removes the marks from what it sends, and restores
 * them on every input and output of the same name. A provider marks secrets that it creates, such as a token, with `secret`.
 *
 * @returns the port
 */
export async function serveProvider(provider: Provider): Promise<number> {
  const cancellation = new AbortController();
  const server = createPluginServer();
  server.addService(providerGrpc.ResourceProviderService, providerMethods(provider, cancellation));
  return runPlugin(server, () => {
    cancellation.abort();
  });
}

function providerMethods(provider: Provider, cancellation: AbortController): Record<string, UntypedHandleCall> {
  const handlerOf = (operation: Operation): ResourceHandler => {
    const handler = provider.resources[operation.type];
    if (handler === undefined || !Object.hasOwn(provider.resources, operation.type)) {
      throw new RpcError(
        status.UNIMPLEMENTED,
        `${provider.name}: this stand-in has no resource type ${operation.type}; the real plugin is needed for it`,
      );
    }
    return handler;
  };
  const operationOf = (request: ResourceRequest): Operation => {
    const timeoutSeconds = request.getTimeout?.() ?? 0;
    const [type = "", name = ""] = typeAndName(request.getUrn());
    return {
      urn: request.getUrn(),
      type,
      name,
      preview: request.getPreview?.() ?? false,
      timeoutSeconds,
      signal:
        timeoutSeconds > 0
          ? AbortSignal.any([cancellation.signal, AbortSignal.timeout(timerOf(timeoutSeconds))])
          : cancellation.signal,
    };
  };

  /** The engine sends inputs that were checked; others would make a resource that nobody can explain. */
  const rightInputs = async (operation: Operation, sent: Struct | undefined): Promise<Properties> => {
    const inputs = fromStruct(sent);
    const checked = await handlerOf(operation).check?.(inputs, inputs, operation);
    const reasons = (checked?.failures ?? []).map(({ property, reason }) => `${property}: ${reason}`);
    if (reasons.length > 0) {
      throw new RpcError(status.INVALID_ARGUMENT, `${provider.name}: ${reasons.join("; ")}`);
    }
    return inputs;
  };

  return {
    handshake: unary(() => new providerProto.ProviderHandshakeResponse()),
    getPluginInfo: unary(() => new pluginProto.PluginInfo().setVersion(provider.version)),
    getSchema: unary(() => new providerProto.GetSchemaResponse().setSchema("{}")),
    attach: unary(() => new emptyProto.Empty()),
    checkConfig: unary((request: pb.CheckRequest) => new providerProto.CheckResponse().setInputs(request.getNews())),
    diffConfig: unary((request: pb.DiffRequest) =>
      diffResponse(diffValues(fromStruct(request.getOldInputs()), fromStruct(request.getNews()))),
    ),
    configure: unary(async (request: pb.ConfigureRequest) => {
      const config = Object.fromEntries(
        request
          .getVariablesMap()
          .toObject(true)
          .map(([key, value]) => [key.slice(key.lastIndexOf(":") + 1), value]),
      );
      await provider.configure(config);
      return new providerProto.ConfigureResponse().setSupportspreview(true);
    }),

    check: unary(async (request: pb.CheckRequest) => {
      const operation = operationOf(request);
      const inputs = fromStruct(request.getNews());
      const checked = await handlerOf(operation).check?.(inputs, fromStruct(request.getOlds()), operation);
      const response = new providerProto.CheckResponse().setInputs(toStruct(checked?.inputs ?? inputs));
      for (const { property, reason } of checked?.failures ?? []) {
        response.addFailures(new providerProto.CheckFailure().setProperty(property).setReason(reason));
      }
      return response;
    }),

    diff: unary(async (request: pb.DiffRequest) => {
      const operation = operationOf(request);
      const { changes, deleteBeforeReplace } = handlerOf(operation).diff({
        id: request.getId(),
        oldInputs: fromStruct(request.getOldInputs()),
        oldOutputs: fromStruct(request.getOlds()),
        newInputs: await rightInputs(operation, request.getNews()),
      });
      return diffResponse(changes).setDeletebeforereplace(deleteBeforeReplace ?? false);
    }),

    create: unary(async (request: pb.CreateRequest) => {
      const operation = operationOf(request);
      const inputs = await rightInputs(operation, request.getProperties());
      const created = await handlerOf(operation).create(inputs, operation);
      return new providerProto.CreateResponse().setId(created.id).setProperties(toStruct(created.outputs));
    }),

    read: unary(async (request: pb.ReadRequest) => {
      const operation = operationOf(request);
      const found = await handlerOf(operation).read(
        request.getId(),
        fromStruct(request.getInputs()),
        fromStruct(request.getProperties()),
        operation,
      );
      const response = new providerProto.ReadResponse();
      // Without an id, the engine assumes that the resource no longer exists.
      return found === undefined
        ? response
        : response.setId(found.id).setProperties(toStruct(found.outputs)).setInputs(toStruct(found.inputs));
    }),

    update: unary(async (request: pb.UpdateRequest) => {
      const operation = operationOf(request);
      const handler = handlerOf(operation);
      const oldOutputs = fromStruct(request.getOlds());
      const outputs =
        (await handler.update?.(
          request.getId(),
          await rightInputs(operation, request.getNews()),
          oldOutputs,
          operation,
          fromStruct(request.getOldInputs()),
        )) ?? oldOutputs;
      return new providerProto.UpdateResponse().setProperties(toStruct(outputs));
    }),

    delete: unary(async (request: pb.DeleteRequest) => {
      const operation = operationOf(request);
      await handlerOf(operation).delete(
        request.getId(),
        fromStruct(request.getProperties()),
        operation,
        fromStruct(request.getOldInputs()),
      );
      return new emptyProto.Empty();
    }),

    cancel: unary(() => {
      cancellation.abort();
      return new emptyProto.Empty();
    }),
  };
}

/** @returns milliseconds that a timer takes: whole ones, and no more than it can count */
function timerOf(seconds: number): number {
  return Math.min(Math.ceil(seconds * 1000), 2 ** 31 - 1);
}

function diffResponse(changes: readonly PropertyChange[]): pb.DiffResponse {
  const { ADD, ADD_REPLACE, DELETE, DELETE_REPLACE, UPDATE, UPDATE_REPLACE } = providerProto.PropertyDiff.Kind;
  const kinds = {
    add: [ADD, ADD_REPLACE],
    delete: [DELETE, DELETE_REPLACE],
    update: [UPDATE, UPDATE_REPLACE],
  } as const;
  const { DIFF_NONE, DIFF_SOME } = providerProto.DiffResponse.DiffChanges;
  const topLevel = (list: readonly PropertyChange[]) => [...new Set(list.map(({ path }) => String(path[0])))];

  const response = new providerProto.DiffResponse()
    .setChanges(changes.length === 0 ? DIFF_NONE : DIFF_SOME)
    .setHasdetaileddiff(true)
    .setDiffsList(topLevel(changes))
    .setReplacesList(topLevel(changes.filter(({ replaces }) => replaces)));
  for (const { path, kind, replaces } of changes) {
    const [inPlace, replacing] = kinds[kind];
    response
      .getDetaileddiffMap()
      .set(
        formatPath(path),
        new providerProto.PropertyDiff().setKind(replaces ? replacing : inPlace).setInputdiff(true),
      );
  }
  return response;
}

/** @returns the type and name of a resource, from `urn:pulumi:stack::project::parent$type::name` */
function typeAndName(urn: string): [string?, string?] {
  const [, , types = "", ...name] = urn.split("::");
  return [types.slice(types.lastIndexOf("$") + 1), name.join("::")];
}
