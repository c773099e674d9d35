import { z } from "zod";
import type { ObjectStore } from "../clients/object-store.ts";
import type { Commands } from "./run-commands.ts";

const updates = z.array(z.looseObject({ kind: z.string(), startTime: z.string(), endTime: z.string().optional() }));

/** Pulumi stores times in seconds. */
const grainMs = 1_000;

/** @param history output of `pulumi stack history --json` @returns whether one of the stack's updates ran at that time */
export function madeDuringUpdate(time: Date, history: string): boolean {
  return updates
    .parse(JSON.parse(history))
    .some(
      ({ kind, startTime, endTime = startTime }) =>
        kind === "update" &&
        time.getTime() >= new Date(startTime).getTime() &&
        time.getTime() < new Date(endTime).getTime() + grainMs,
    );
}

/**
 * A bucket that Pulumi created may be missing in its state: if MinIO's response was lost, or there was none during a refresh. The stack
 * created it if that happened while one of the stack's updates ran. If that is unknown, or the clocks of MinIO and
 * this machine differ, it counts as someone else's. Asks as MinIO's administrator, as `pulumi up` does.
 */
export function ownBucket(
  commands: Commands,
  store: ObjectStore | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): (name: string) => Promise<boolean> {
  const setting = async (key: string, variable: string) => {
    const { exitCode, stdout } = await commands.askPulumi(["config", "get", key]);
    return exitCode === 0 ? stdout.trim() : environment[variable];
  };
  return async (name) => {
    const accessKey = await setting("minio:minioUser", "MINIO_USER");
    const secretKey = await setting("minio:minioPassword", "MINIO_PASSWORD");
    if (store === undefined || accessKey === undefined || secretKey === undefined) {
      return false;
    }
    try {
      const made = await store.madeAt({ accessKey, secretKey }, name);
      const history = await commands.askPulumi(["stack", "history", "--json", "--page-size", "100000"]);
      return made !== undefined && history.exitCode === 0 && madeDuringUpdate(made, history.stdout);
    } catch {
      // No response, or a refusal: the user is asked instead.
      return false;
    }
  };
}
