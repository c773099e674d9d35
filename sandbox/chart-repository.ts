import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { Hono } from "hono";
import { serveOnLoopback, type LoopbackServer } from "../tools/loopback-server.ts";

/** Options of {@link startChartRepository}. */
export interface ChartRepositoryOptions {
  /** Port on 127.0.0.1. @defaultValue any free one */
  readonly port?: number;
  /** Folder whose subfolders are charts. @defaultValue `sandbox/chart` */
  readonly chartsDir?: string;
  /** Folder for the packages and the index; emptied first. */
  readonly dir: string;
  /** The `helm` program. @defaultValue the one on PATH */
  readonly helm?: string;
}

/**
 * Packages the charts with the real `helm package`, indexes them with `helm repo index`, and serves both over HTTP on
 * 127.0.0.1. Rejects if a chart cannot be packaged or the port is taken.
 */
export async function startChartRepository(options: ChartRepositoryOptions): Promise<LoopbackServer> {
  const dir = resolve(options.dir);
  await packageCharts(options.chartsDir ?? join(import.meta.dirname, "chart"), dir, options.helm ?? "helm");

  const app = new Hono();
  app.get("/:file{index\\.yaml|[A-Za-z0-9][A-Za-z0-9.+_-]*\\.tgz}", async (context) => {
    const file = context.req.param("file");
    const bytes = await readFile(join(dir, file)).catch(() => undefined);
    if (bytes === undefined) {
      return context.notFound();
    }
    const type = file.endsWith(".tgz") ? "application/gzip" : "application/yaml";
    return context.body(new Uint8Array(bytes), 200, { "Content-Type": type });
  });

  return serveOnLoopback(app, options.port);
}

async function packageCharts(chartsDir: string, dir: string, helm: string): Promise<void> {
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  const charts = await readdir(chartsDir, { withFileTypes: true });
  for (const chart of charts.filter((entry) => entry.isDirectory())) {
    await execa(helm, ["package", join(chartsDir, chart.name), "--destination", dir]);
  }
  // Package URLs stay relative, so the index is valid for any port.
  await execa(helm, ["repo", "index", dir]);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: "string" },
      dir: { type: "string" },
      charts: { type: "string" },
      helm: { type: "string" },
    },
  });
  if (values.dir === undefined) {
    throw new Error("--dir DIR is missing: the folder for packages and index");
  }
  const port = Number(values.port ?? 0);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`--port ${String(values.port)} is not a port`);
  }
  const repository = await startChartRepository({
    port,
    dir: values.dir,
    ...(values.charts === undefined ? {} : { chartsDir: values.charts }),
    ...(values.helm === undefined ? {} : { helm: values.helm }),
  });
  console.log(`listening on ${repository.url}`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void repository.stop());
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await main();
}
