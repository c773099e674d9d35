import { Server, ServerCredentials } from "@grpc/grpc-js";

/** The engine's own limit for a message, in bytes; gRPC's default of 4 MiB is too small for it. */
const maxMessageLength = 400 * 1024 * 1024;
const parentCheckMilliseconds = 1000;

/** @returns a gRPC server that takes messages as large as the engine sends */
export function createPluginServer(): Server {
  return new Server({
    "grpc.max_receive_message_length": maxMessageLength,
    "grpc.max_send_message_length": maxMessageLength,
  });
}

/**
 * Runs a Pulumi plugin: serves on a free port of 127.0.0.1, prints the port as the first line on stdout, as the engine
 * expects, and ends the process on SIGTERM, SIGINT, or when the engine that started it is gone.
 *
 * @param onStop called once before the process ends; what it does must be quick
 * @returns the port
 */
export async function runPlugin(server: Server, onStop: () => void): Promise<number> {
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, boundPort) => {
      if (error) {
        reject(error);
      } else {
        resolve(boundPort);
      }
    });
  });

  let stopping = false;
  const stop = () => {
    if (!stopping) {
      stopping = true;
      onStop();
      server.forceShutdown();
      process.exit(0);
    }
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  // An engine that is killed sends no signal; the process that adopts its orphans has another id.
  const engine = process.ppid;
  setInterval(() => {
    if (process.ppid !== engine) {
      stop();
    }
  }, parentCheckMilliseconds).unref();

  process.stdout.write(`${port}\n`);
  return port;
}
