import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { Agent } from "node:https";
import { join } from "node:path";
import type { Client } from "minio";
import { execa } from "execa";
import { z } from "zod";
import { temporaryFolder } from "../temporary-folder.ts";

/** Address of MinIO, and the credentials. */
export interface MinioConnection {
  readonly host: string;
  readonly port: number;
  readonly https: boolean;
  readonly user: string;
  readonly password: string;
  readonly region: string;
  /** File with the certificates to trust instead of the system's; undefined for the system's. */
  readonly authority: string | undefined;
}

/** Settings of the real provider that this stand-in does not support. */
const unsupportedSettings = ["minioCertFile", "minioKeyFile", "minioInsecure", "minioSessionToken"];

/**
 * @param config the provider's own configuration, `minio:minioServer` and others
 * @param environment has `MINIO_ENDPOINT`, `MINIO_USER` and others, which apply if the configuration does not set them
 * @throws Error with the settings that are missing or not supported
 */
export function minioConnection(
  config: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string | undefined>>,
): MinioConnection {
  const unsupported = unsupportedSettings.filter((key) => !["", "false", undefined].includes(config[key]));
  if (unsupported.length > 0) {
    throw new Error(
      `minio: ${unsupported.map((key) => `minio:${key}`).join(", ")}: this stand-in does not know it; the real plugin does`,
    );
  }
  const server = config.minioServer ?? environment.MINIO_ENDPOINT;
  // Without them it connects as nobody, which is enough for a preview:
  // https://github.com/aminueza/terraform-provider-minio/blob/v1.20.1/minio/provider.go
  const user = config.minioUser ?? config.minioAccessKey ?? environment.MINIO_USER ?? environment.MINIO_ACCESS_KEY;
  const password =
    config.minioPassword ?? config.minioSecretKey ?? environment.MINIO_PASSWORD ?? environment.MINIO_SECRET_KEY;
  if (!server) {
    throw new Error("minio: set minio:minioServer (or MINIO_ENDPOINT) to MinIO's host:port.");
  }
  const https = (config.minioSsl ?? environment.MINIO_ENABLE_HTTPS) === "true";
  const url = URL.parse(`${https ? "https" : "http"}://${server}`);
  if (url === null || url.host === "" || url.pathname !== "/") {
    throw new Error(
      `minio: minio:minioServer is ${JSON.stringify(server)}; it must be host:port, such as minio.example.com:9000`,
    );
  }
  const port = url.port === "" ? (https ? 443 : 80) : Number(url.port);
  return {
    host: url.hostname,
    port,
    https,
    user: user ?? "",
    password: password ?? "",
    region: config.minioRegion ?? "us-east-1",
    authority: config.minioCacertFile ?? environment.MINIO_CACERT_FILE,
  };
}

/** MinIO answered with an error, or not at all; the message is that of the published provider, and contains no secret. */
export class MinioError extends Error {
  override readonly name = "MinioError";
  /** MinIO's error code, such as `NoSuchBucket`; undefined without a response. */
  readonly code: string | undefined;

  constructor(message: string, code: string | undefined) {
    super(message);
    this.code = code;
  }
}

const mcAnswer = z.looseObject({
  status: z.string().optional(),
  error: z
    .looseObject({
      message: z.string().optional(),
      cause: z
        .looseObject({ message: z.string(), error: z.looseObject({ Code: z.string().optional() }).optional() })
        .optional(),
    })
    .optional(),
});

/** One line of the output of `mc --json`. */
export type McAnswer = z.output<typeof mcAnswer>;

/** Name of MinIO in `mc`, which gets the URL and keys in its environment, not in its arguments. */
const alias = "pulumi";

/** MinIO's command line client for administration, and its S3 client for everything else. */
export class MinioClients {
  /** URL, such as `http://localhost:9000`. */
  readonly endpoint: string;
  readonly region: string;
  readonly #connection: MinioConnection;
  #configFolder: string | undefined;
  #s3: Promise<Client> | undefined;

  constructor(connection: MinioConnection) {
    this.#connection = connection;
    this.endpoint = `${connection.https ? "https" : "http"}://${connection.host}:${connection.port}`;
    this.region = connection.region;
  }

  /**
   * Runs a command of `mc`, where `{alias}` stands for the server.
   *
   * @param trouble the published provider's message if it fails, such as `error creating user (NAME)`
   * @param input its stdin, through which secrets are passed
   * @throws MinioError
   */
  async mc(trouble: string, signal: AbortSignal, args: readonly string[], input = ""): Promise<McAnswer> {
    this.#configFolder ??= this.#createConfigFolder();
    const { user, password } = this.#connection;
    const address = new URL(this.endpoint);
    address.username = encodeURIComponent(user);
    address.password = encodeURIComponent(password);
    const result = await execa(
      "mc",
      ["--config-dir", this.#configFolder, "--json", ...args.map((arg) => arg.replace("{alias}", alias))],
      {
        input,
        reject: false,
        cancelSignal: signal,
        env: { [`MC_HOST_${alias}`]: address.href.replace(/\/$/, "") },
      },
    );
    if (signal.aborted) {
      throw this.#error(trouble, "cancelled or out of time", undefined);
    }
    if (result.code === "ENOENT") {
      throw this.#error(trouble, "MinIO's client, mc, is not on PATH", undefined);
    }
    const answer = parseAnswer(result.stdout);
    if (answer === undefined || answer.status === "error" || result.exitCode !== 0) {
      const cause = answer?.error?.cause;
      throw this.#error(
        trouble,
        cause?.message ?? answer?.error?.message ?? "mc failed without a reason",
        cause?.error?.Code,
      );
    }
    return answer;
  }

  /**
   * Calls the S3 client.
   *
   * @param trouble the published provider's message if it fails, such as `unable to create bucket (NAME)`
   * @throws MinioError
   */
  async s3<Result>(trouble: string, call: (client: Client) => Promise<Result>): Promise<Result> {
    this.#s3 ??= this.#connect();
    const client = await this.#s3;
    try {
      return await call(client);
    } catch (error) {
      const { message = "", code } = error as { message?: string; code?: string };
      throw this.#error(trouble, message || code || "no usable answer", code);
    }
  }

  #error(trouble: string, reason: string, code: string | undefined): MinioError {
    // Without a connection, mc shows the request, which contains the access key.
    const shown = reason.replace(/accessKey=[^&"\s]+/g, "accessKey=…");
    return new MinioError(`[FATAL] ${trouble}: ${shown}`, code);
  }

  #createConfigFolder(): string {
    const folder = temporaryFolder("pulumi-minio");
    const { authority } = this.#connection;
    if (authority !== undefined) {
      const authorities = join(folder, "certs", "CAs");
      mkdirSync(authorities, { recursive: true });
      copyFileSync(authority, join(authorities, "authority.crt"));
    }
    return folder;
  }

  async #connect(): Promise<Client> {
    const { Client } = await import("minio");
    const { host, port, https, user, password, region, authority } = this.#connection;
    return new Client({
      endPoint: host,
      port,
      useSSL: https,
      accessKey: user,
      secretKey: password,
      region,
      ...(authority === undefined ? {} : { transportAgent: new Agent({ ca: readFileSync(authority) }) }),
    });
  }
}

function parseAnswer(stdout: string): McAnswer | undefined {
  try {
    return mcAnswer.parse(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""));
  } catch {
    return undefined;
  }
}
