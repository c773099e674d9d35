import { readFileSync } from "node:fs";
import { Agent } from "node:https";
import { Client } from "minio";
import { authorityFile, minioServer } from "./environment.ts";
import type { SandboxFolder, SandboxState } from "./state.ts";

/** @returns a client of the sandbox's MinIO, with all rights */
export function minioClient(folder: SandboxFolder, state: SandboxState): Client {
  const [endPoint = "", port] = minioServer(state).split(":");
  return new Client({
    endPoint,
    port: Number(port),
    useSSL: state.minioTls,
    ...(state.minioTls ? { transportAgent: new Agent({ ca: readFileSync(authorityFile(folder)) }) } : {}),
    accessKey: state.secrets["minioUser"] ?? "",
    secretKey: state.secrets["minioPassword"] ?? "",
  });
}
