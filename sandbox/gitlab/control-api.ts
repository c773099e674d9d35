import { createHash, timingSafeEqual } from "node:crypto";
import { Hono, type Context } from "hono";
import type { z } from "zod";
import type { AppEnv } from "./context.ts";
import { contactSchema, faultSchema, jobRequestSchema, placeSchema, settingsSchema } from "./control-schemas.ts";
import { describeJob, describeState, type StateView } from "./control-views.ts";
import { ApiError } from "./errors.ts";
import type { Faults } from "./faults.ts";
import { cancelJob } from "./job-states.ts";
import { maskSecrets } from "./masking.ts";
import { accessTokenSchema } from "./seed.ts";
import type { GitLabStore } from "./store.ts";

function sameText(left: string, right: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(left), hash(right));
}

async function bodyOf<T extends z.ZodType>(c: Context<AppEnv>, schema: T): Promise<z.output<T>> {
  const text: unknown = await c.req.json().catch(() => undefined);
  const result = schema.safeParse(text);
  if (result.success) {
    return result.data;
  }
  const problems = result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new ApiError(400, { message: problems.join("; ") });
}

function refuseDuplicates<T>(add: () => T): T {
  try {
    return add();
  } catch (error) {
    throw new ApiError(409, { message: error instanceof Error ? error.message : "exists" });
  }
}

/** API by which the sandbox and tests control the emulator; every call needs `X-Emulator-Token`. */
export function controlApi(store: GitLabStore, faults: Faults): Hono<AppEnv> {
  const control = new Hono<AppEnv>();
  control.use(async (c, next) => {
    if (!sameText(c.req.header("x-emulator-token") ?? "", store.controlToken)) {
      throw new ApiError(401, { message: "the header X-Emulator-Token doesn't hold the emulator's control token" });
    }
    await next();
  });
  control.post("/jobs", async (c) => {
    const job = await bodyOf(c, jobRequestSchema);
    if (!store.projects.has(job.projectId)) {
      throw new ApiError(400, { message: `projectId: there is no project ${job.projectId}` });
    }
    const { image, ...rest } = job;
    return c.json(describeJob(store.addJob(image === undefined ? rest : { ...rest, image })), 201);
  });
  const jobOf = (c: Context<AppEnv>) => {
    const job = store.jobs.get(Number(c.req.param("id")));
    if (!job) {
      throw new ApiError(404, { message: "no such job" });
    }
    return job;
  };
  control.get("/jobs/:id", (c) => c.json(describeJob(jobOf(c))));
  control.post("/jobs/:id/cancel", (c) => {
    const job = jobOf(c);
    cancelJob(store, job);
    return c.json(describeJob(job));
  });
  control.post("/faults", async (c) => c.json(faults.add(await bodyOf(c, faultSchema)), 201));
  control.post("/access-tokens", async (c) => {
    const { id } = store.addAccessToken(await bodyOf(c, accessTokenSchema));
    return c.json({ id }, 201);
  });
  control.post("/projects", async (c) => {
    const project = await bodyOf(c, placeSchema);
    return c.json(
      refuseDuplicates(() => store.addProject(project)),
      201,
    );
  });
  control.put("/runners/:id/contact", async (c) => {
    const { secondsAgo } = await bodyOf(c, contactSchema);
    const runner = store.runners.get(Number(c.req.param("id")));
    if (!runner) {
      throw new ApiError(404, { message: "no such runner" });
    }
    const contactedAt = store.now() - secondsAgo * 1000;
    runner.contactedAt = contactedAt;
    for (const manager of runner.managers) {
      manager.contactedAt = contactedAt;
    }
    return c.json({ secondsAgo });
  });
  control.put("/settings", async (c) => {
    const settings = await bodyOf(c, settingsSchema);
    store.runnerTokenExpirationInterval = settings.runnerTokenExpirationInterval;
    return c.json(settings);
  });
  control.get("/state", (c) => c.json(maskSecrets(describeState(store)) as StateView));
  return control;
}
