import { ObjectStore, type StoreKeys } from "../tools/clients/object-store.ts";
import { readIfThere, trustAuthorities } from "../tools/trusted-authorities.ts";
import { authorityFile, minioServer } from "./environment.ts";
import type { SandboxFolder, SandboxState } from "./sandbox-folder.ts";

/** @returns the sandbox's MinIO, whose certificate this process then trusts, and its root credentials */
export function minioAdmin(folder: SandboxFolder, state: SandboxState): { store: ObjectStore; keys: StoreKeys } {
  if (state.minioTls) {
    trustAuthorities([readIfThere(authorityFile(folder))]);
  }
  return {
    store: new ObjectStore({
      server: minioServer(state),
      https: state.minioTls,
      region: "us-east-1",
      source: "the sandbox",
    }),
    keys: { accessKey: state.secrets["minioUser"] ?? "", secretKey: state.secrets["minioPassword"] ?? "" },
  };
}
