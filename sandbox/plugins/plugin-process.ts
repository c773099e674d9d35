import { Server, ServerCredentials } from "@grpc/grpc-js";

/** The engine's limit for a message in bytes; gRPC's default of 4 MiB is too small. */
export const maxMessageLength = 400 * 1024 * 1024;
const parentCheckMilliseconds = 1000;

/** @returns a gRPC server that accepts messages as large as the engine's */
export function createPluginServer(): Server {
  return new Server({
    "grpc.max_receive_message_length": maxMessageLength,
    "grpc.max_send_message_length": maxMessageLength,
  });
}

/**
 * Runs a Pulumi plugin: serves on a free port of 127.0.0.1, prints the port as the first line on stdout, as the engine
 * expects, and ends the process on SIGTERM, SIGINT, or when the engine that started it has ended.
 *
 * @param onStop called once before the process ends; must be quick
 * @returns the port
 */
export async function runPlugin(server: Server, onStop: () => void): Promise<number> {
  const port = await listen(server);
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
  // A killed engine sends no signal; the plugin's parent process then has another id.
  const engine = process.ppid;
  setInterval(() => {
    if (process.ppid !== engine) {
      stop();
    }
  }, parentCheckMilliseconds).unref();

  process.stdout.write(`${port}\n`);
  return port;
}

/** @returns the free port of 127.0.0.1 that the server now listens on */
export async function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
      if (error) {
        reject(error);
      } else {
        resolve(port);
      }
    });
  });
}
