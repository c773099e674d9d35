import { createHash } from "node:crypto";
import { growth, metrics, runnerFailures, series, type MonitoredRunner } from "./monitored-runner.ts";

/** A query of a panel. */
export interface DashboardQuery {
  /** Letter of the query in its panel. */
  readonly refId: string;
  /** PromQL, with Grafana's variables for ranges. */
  readonly expr: string;
  /** Name of the series, with labels as `{{label}}`. */
  readonly legendFormat: string;
  /** Query the value at the end of the time range instead of a series. */
  readonly instant?: true;
}

/** A panel of a dashboard. */
export interface DashboardPanel {
  readonly id: number;
  readonly type: "stat" | "gauge" | "timeseries";
  readonly title: string;
  readonly description: string;
  /** Position in a grid of 24 columns. */
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource: typeof datasource;
  /** Minimum step, such as `5m`. */
  readonly interval?: string;
  readonly targets: readonly DashboardQuery[];
  readonly fieldConfig: { readonly defaults: Readonly<Record<string, unknown>>; readonly overrides: readonly [] };
  readonly options: Readonly<Record<string, unknown>>;
}

/** The part of Grafana's model that is used here; see https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/ */
export interface Dashboard {
  /** Assigned by Grafana. */
  readonly id: null;
  /** Part of its URL. */
  readonly uid: string;
  readonly title: string;
  readonly tags: readonly string[];
  readonly schemaVersion: number;
  readonly editable: boolean;
  /** 1: all panels share the crosshair. */
  readonly graphTooltip: 1;
  readonly refresh: string;
  readonly time: { readonly from: string; readonly to: string };
  readonly timezone: "browser";
  readonly annotations: { readonly list: readonly [] };
  readonly templating: { readonly list: readonly Readonly<Record<string, unknown>>[] };
  readonly panels: readonly DashboardPanel[];
}

/** The data source that is selected above the panels. */
const datasource = { type: "prometheus", uid: "${datasource}" } as const;

const columns = 24;

/** A panel without a position. */
interface Draft extends Omit<DashboardPanel, "id" | "gridPos" | "datasource" | "targets"> {
  readonly size: { readonly w: number; readonly h: number };
  readonly queries: readonly Omit<DashboardQuery, "refId">[];
}

/** @returns a dashboard of one runner, for Grafana 10 and newer */
export function dashboard(runner: MonitoredRunner): Dashboard {
  const { namespace, release } = runner;
  return {
    id: null,
    uid: `gitlab-runner-${createHash("sha256").update(`${namespace}/${release}`).digest("hex").slice(0, 12)}`,
    title: `GitLab runner ${release} in ${namespace}`,
    tags: ["gitlab-runner"],
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    refresh: "1m",
    time: { from: "now-24h", to: "now" },
    timezone: "browser",
    annotations: { list: [] },
    templating: {
      list: [{ name: "datasource", label: "Data source", type: "datasource", query: "prometheus", hide: 0 }],
    },
    panels: placed([...figures(runner), ...jobs(runner), ...gitlab(runner), ...manager(runner)]),
  };
}

/** Name of the dashboard's file, unique in the cluster: Grafana's sidecar puts all dashboards into one folder. */
export function dashboardFile({ namespace, release }: MonitoredRunner): string {
  return `${namespace}.${release}.json`;
}

function figures(runner: MonitoredRunner): Draft[] {
  const jobs = `sum(${series(runner, metrics.jobs)})`;
  const slots = `sum(${series(runner, metrics.slots)})`;
  const ended = growth(series(runner, `${metrics.jobDuration}_count`), "$__range");
  const failed = growth(series(runner, metrics.failedJobs, runnerFailures), "$__range");
  return [
    figure("Manager pods", "Pods that Prometheus can scrape.", `sum(${series(runner, metrics.up)})`, {
      thresholds: steps("red", [1, "green"]),
    }),
    {
      ...figure("Version", "Version of the runner.", `count by (version) (${series(runner, metrics.version)})`, {}),
      queries: [
        {
          expr: `count by (version) (${series(runner, metrics.version)})`,
          legendFormat: "{{version}}",
          instant: true,
        },
      ],
      options: { ...figureOptions, textMode: "name" },
    },
    {
      ...figure("Slots in use", "Running jobs, as a share of the slots.", `${jobs} / ${slots}`, {
        unit: "percentunit",
        min: 0,
        max: 1,
        thresholds: steps("green", [0.8, "yellow"], [1, "red"]),
      }),
      type: "gauge",
    },
    figure("Finished jobs", "In the dashboard's time range.", `sum(${ended})`, {}),
    figure(
      "Runner failures",
      "Jobs that failed because of the runner, or because an image could not be pulled, in the dashboard's time range.",
      `sum(${failed}) or vector(0)`,
      { thresholds: steps("green", [1, "red"]) },
    ),
  ];
}

function jobs(runner: MonitoredRunner): Draft[] {
  const ended = `increase(${series(runner, `${metrics.jobDuration}_count`)}[$__interval])`;
  const failed = `increase(${series(runner, metrics.failedJobs)}[$__interval])`;
  return [
    course("Running jobs", "Running jobs, and slots: concurrent, summed over all manager pods.", "short", [
      { expr: `sum(${series(runner, metrics.jobs)})`, legendFormat: "jobs" },
      { expr: `sum(${series(runner, metrics.slots)})`, legendFormat: "slots" },
    ]),
    {
      ...course("Finished jobs", "By result; each bar counts the jobs of one interval.", "short", [
        { expr: `clamp_min(sum(${ended}) - (sum(${failed}) or vector(0)), 0)`, legendFormat: "succeeded" },
        { expr: `sum by (failure_reason) (${failed})`, legendFormat: "{{failure_reason}}" },
      ]),
      interval: "5m",
      fieldConfig: fields({
        unit: "short",
        min: 0,
        custom: { drawStyle: "bars", fillOpacity: 60, stacking: { mode: "normal", group: "A" } },
      }),
    },
    course(
      "Queue time",
      "How long the jobs of the last hour waited in GitLab before the runner picked them up.",
      "s",
      quantiles(runner, metrics.queueDuration),
    ),
    course(
      "Job duration",
      "How long the jobs took that finished in the last hour.",
      "s",
      quantiles(runner, metrics.jobDuration),
    ),
  ];
}

function gitlab(runner: MonitoredRunner): Draft[] {
  const perSecond = (metric: string) => `rate(${series(runner, metric)}[$__rate_interval])`;
  return [
    course(
      "GitLab API responses",
      "By status, per second; and the polls for a job that got no response or were refused.",
      "reqps",
      [
        { expr: `sum by (status) (${perSecond(metrics.apiAnswers)})`, legendFormat: "{{status}}" },
        { expr: `sum(${perSecond(metrics.failedPolls)})`, legendFormat: "no response, or 403" },
      ],
    ),
    course("Warnings and errors", "Lines in the manager's log, per second.", "cps", [
      { expr: `sum by (level) (${perSecond(metrics.logLines)})`, legendFormat: "{{level}}" },
    ]),
  ];
}

function manager(runner: MonitoredRunner): Draft[] {
  const cpu = `sum by (pod) (rate(${series(runner, metrics.cpu)}[$__rate_interval]))`;
  const memory = `sum by (pod) (${series(runner, metrics.memory)})`;
  return [
    course("Manager CPU", "Cores that each pod uses.", "short", [{ expr: cpu, legendFormat: "{{pod}}" }]),
    course("Manager memory", "Memory that each pod uses.", "bytes", [{ expr: memory, legendFormat: "{{pod}}" }]),
  ];
}

/** Over an hour, since jobs may be few. */
function quantiles(runner: MonitoredRunner, metric: string): Draft["queries"] {
  return [0.5, 0.95].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, sum by (le) (rate(${series(runner, `${metric}_bucket`)}[1h])))`,
    legendFormat: `${quantile * 100} %`,
  }));
}

const figureOptions = { reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false }, colorMode: "value" };

function figure(title: string, description: string, expr: string, defaults: Record<string, unknown>): Draft {
  return {
    ...{ type: "stat", title, description, size: { w: 4, h: 4 } },
    queries: [{ expr, legendFormat: title, instant: true }],
    fieldConfig: fields({ decimals: 0, ...defaults }),
    options: figureOptions,
  };
}

function course(title: string, description: string, unit: string, queries: Draft["queries"]): Draft {
  return {
    ...{ type: "timeseries", title, description, size: { w: 12, h: 8 }, queries },
    fieldConfig: fields({ unit, min: 0, custom: { drawStyle: "line", fillOpacity: 10, showPoints: "never" } }),
    options: {
      legend: { displayMode: "list", placement: "bottom", showLegend: true },
      tooltip: { mode: "multi", sort: "desc" },
    },
  };
}

function fields(defaults: Record<string, unknown>): DashboardPanel["fieldConfig"] {
  return { defaults, overrides: [] };
}

/** @returns thresholds: a base colour, and other colours from given values on */
function steps(color: string, ...from: readonly (readonly [number, string])[]) {
  return {
    mode: "absolute",
    steps: [{ color, value: null }, ...from.map(([value, higher]) => ({ color: higher, value }))],
  };
}

/** Places panels from left to right, in rows. */
function placed(drafts: readonly Draft[]): DashboardPanel[] {
  let [x, y, height] = [0, 0, 0];
  return drafts.map(({ size, queries, ...panel }, index) => {
    if (x + size.w > columns) {
      [x, y, height] = [0, y + height, 0];
    }
    const gridPos = { x, y, ...size };
    x += size.w;
    height = Math.max(height, size.h);
    const targets = queries.map((query, number) => ({ refId: String.fromCharCode(65 + number), ...query }));
    return { id: index + 1, ...panel, gridPos, datasource, targets };
  });
}
