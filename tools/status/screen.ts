import { styleText } from "node:util";
import cliTruncate from "cli-truncate";
import type { EventRow, JobRow, ManagerRow, Part, PodRow, Snapshot } from "./snapshot.ts";
import { age, aligned, counted, plain, size } from "./text.ts";

/** How to draw. */
export interface ScreenOptions {
  readonly now: Date;
  readonly columns: number;
  /** Number of lines that fit; undefined for no limit. */
  readonly rows: number | undefined;
  /** Bold titles and red errors. */
  readonly isStyled: boolean;
  /** Last line, such as which key quits. */
  readonly footer: string | undefined;
}

interface Line {
  readonly text: string;
  readonly isError?: boolean;
}

/** A part of the screen, with its title at the left. */
interface Section {
  readonly title: string;
  readonly lines: readonly Line[];
  /** Number of lines that stay if not all fit. */
  readonly least: number;
}

const titleWidth = 10;

/** @returns the whole screen: no more lines, and no longer ones, than fit */
export function screen(snapshot: Snapshot, options: ScreenOptions): string {
  const { now, columns, rows = Infinity, footer } = options;
  const width = columns - titleWidth;
  const head = [
    headline(snapshot, now, columns),
    ...(snapshot.stack.error === undefined ? [] : failed("Pulumi", snapshot.stack.error)),
  ];
  const foot = footer === undefined ? [] : [{ text: footer }];
  const sections = fit(
    [
      { title: "RUNNER", least: 1, lines: runnerLines(snapshot, now) },
      { title: "MANAGERS", least: 2, lines: managerLines(snapshot, now) },
      { title: "JOBS", least: 3, lines: jobLines(snapshot, now, width) },
      { title: "CACHE", least: 1, lines: cacheLines(snapshot) },
      { title: "EVENTS", least: 2, lines: eventLines(snapshot, now, width) },
    ],
    rows - head.length - foot.length,
  );
  const blocks = [head, ...sections.map(titled), foot].filter((block) => block.length > 0);
  const isTight = blocks.flat().length + blocks.length - 1 > rows;
  return blocks
    .flatMap((block, index) => (index === 0 || isTight ? block : [{ text: "" }, ...block]))
    .slice(0, rows)
    .map((line) => draw(line, options))
    .join("\n");
}

/** Removes lines, the least important ones first, until the rest fits. */
function fit(sections: readonly Section[], room: number): Section[] {
  let surplus = sections.flatMap(({ lines }) => lines).length - room;
  const limits = new Map<Section, number>();
  for (const title of ["EVENTS", "JOBS", "MANAGERS", "RUNNER"]) {
    for (const section of sections.filter((one) => one.title === title)) {
      const taken = Math.max(0, Math.min(surplus, section.lines.length - section.least));
      limits.set(section, section.lines.length - taken);
      surplus -= taken;
    }
  }
  return sections.map((section) => ({ ...section, lines: first(section.lines, limits.get(section)) }));
}

function first(lines: readonly Line[], limit = lines.length): readonly Line[] {
  return lines.length <= limit
    ? lines
    : [...lines.slice(0, limit - 1), { text: `and ${lines.length - limit + 1} more` }];
}

function titled({ title, lines }: Section): Line[] {
  return lines.map((line, index) => ({ ...line, text: (index === 0 ? title : "").padEnd(titleWidth) + line.text }));
}

function draw({ text, isError = false }: Line, { columns, isStyled }: ScreenOptions): string {
  const cut = cliTruncate(text.trimEnd(), columns);
  if (!isStyled) {
    return cut;
  }
  const [, title = "", rest = cut] = /^([A-Z]+ )(.*)$/.exec(cut) ?? [];
  const style = (name: "bold" | "red", words: string) => styleText(name, words, { validateStream: false });
  return style("bold", title) + (isError ? style("red", rest) : rest);
}

function headline({ stack }: Snapshot, now: Date, columns: number): Line {
  const time = now.toTimeString().slice(0, 8);
  const { name = "", chart = "", namespaces = [] } = stack.data ?? {};
  const title = `Stack ${name}, ${chart}, namespace${namespaces.length === 1 ? "" : "s"} ${namespaces.join(" and ")}`;
  return { text: `${cliTruncate(plain(title), columns - time.length - 2).padEnd(columns - time.length)}${time}` };
}

function failed(source: string, error: string): Line[] {
  return [{ text: `${source}: ${plain(error)}`, isError: true }];
}

/** The lines of a response, or why there is none. */
function answered<Data>(source: string, { data, error }: Part<Data>, lines: (data: Data) => Line[]): Line[] {
  if (error !== undefined) {
    return failed(source, error);
  }
  return data === undefined ? [{ text: "…" }] : lines(data);
}

/** GitLab's current data; nothing old if GitLab does not respond. */
function ofGitLab({ gitlab }: Snapshot) {
  return gitlab.error === undefined ? gitlab.data : undefined;
}

function runnerLines({ gitlab }: Snapshot, now: Date): Line[] {
  return answered("GitLab", gitlab, ({ runner }) => {
    if (runner === null) {
      return [{ text: "an existing runner; the stack has only its token" }];
    }
    const { id, description, status, paused, contactedAt, tags, projects } = runner;
    const state = [paused ? "paused" : undefined, status === "paused" ? undefined : words(status)];
    const [project, ...others] = projects;
    const more = others.length === 0 ? "" : ` and ${others.length} more`;
    return [
      [`#${id} ${description ?? ""}`, ...state, contactedAt && `last contact ${age(contactedAt, now)} ago`]
        .filter(Boolean)
        .join(", "),
      [
        tags.length === 0 ? "no tags" : `tags ${tags.join(", ")}`,
        project && `project${others.length === 0 ? "" : "s"} ${project.path}${more}`,
      ]
        .filter(Boolean)
        .join("; "),
    ].map((text) => ({ text: plain(text) }));
  });
}

function managerLines(snapshot: Snapshot, now: Date): Line[] {
  const pods = answered("Kubernetes", snapshot.cluster, (cluster) =>
    listed(
      cluster.pods.filter(({ role }) => role === "manager").map((pod) => podRow(pod, now)),
      "no pods",
    ),
  );
  const processes = ofGitLab(snapshot)?.runner?.managers.map((manager) => processRow(manager, now));
  return [...pods, ...(processes === undefined ? [] : listed(processes, "none has contacted GitLab yet"))];
}

function podRow({ name, state, ready, containers, restarts, createdAt }: PodRow, now: Date): string[] {
  return [name, state, `${ready}/${containers} ready`, counted(restarts, "restart"), age(createdAt, now)];
}

function processRow({ systemId, version, status, contactedAt }: ManagerRow, now: Date): string[] {
  const contact = contactedAt === null ? "no contact yet" : `contact ${age(contactedAt, now)} ago`;
  return [systemId, version === null ? "no version" : `version ${version}`, words(status), contact];
}

function listed(rows: readonly (readonly string[])[], none: string): Line[] {
  const texts = rows.length === 0 ? [none] : aligned(rows.map((row) => row.map(plain)));
  return texts.map((text) => ({ text }));
}

/** A shorter part of a pod's name says nothing. */
const leastPodWidth = 12;

function jobLines(snapshot: Snapshot, now: Date, width: number): Line[] {
  const { cluster } = snapshot;
  const jobs = (ofGitLab(snapshot)?.jobs ?? []).filter(({ status }) => status === "running");
  if (cluster.error !== undefined) {
    return [
      ...failed("Kubernetes", cluster.error),
      ...jobTable(
        jobs.map((job) => withoutPod(job, "pod unknown")),
        now,
        width,
      ),
    ];
  }
  return answered("Kubernetes", cluster, ({ pods: all }) => {
    const pods = all.filter(({ role }) => role === "job");
    const rows = [
      ...pods.map((pod) =>
        withPod(
          pod,
          jobs.find(({ id }) => id === pod.jobId),
        ),
      ),
      ...jobs.filter(({ id }) => !pods.some(({ jobId }) => jobId === id)).map((job) => withoutPod(job, "no pod")),
    ];
    return rows.length === 0 ? [{ text: "none is running" }] : jobTable(rows, now, width);
  });
}

/** The longest first. */
function jobTable(rows: readonly JobLine[], now: Date, width: number): Line[] {
  const sorted = rows.toSorted((a, b) => (a.since ?? "").localeCompare(b.since ?? ""));
  const cells = sorted.map(({ project, job, state, since }) => [
    cliTruncate(plain(project), Math.floor(width * 0.35), { position: "start" }),
    cliTruncate(plain(job), Math.floor(width * 0.25)),
    plain(state),
    age(since, now),
  ]);
  const texts = aligned(cells);
  const used = Math.max(0, ...texts.map(({ length }) => length)) + 2;
  return texts.map((text, index) => {
    const pod = plain(sorted[index]?.pod ?? "");
    const shown = width - used < leastPodWidth ? "" : cliTruncate(pod, width - used, { position: "middle" });
    return { text: text.padEnd(used) + shown };
  });
}

/** A job, from its pod, from GitLab, or from both. */
interface JobLine {
  readonly project: string;
  readonly job: string;
  readonly state: string;
  readonly since: string | null;
  readonly pod: string;
}

function withPod({ name, state, createdAt, jobId, jobName, project }: PodRow, job: JobRow | undefined): JobLine {
  const title = [jobId === null ? undefined : `#${jobId}`, job?.name ?? jobName].filter(Boolean).join(" ");
  return { project: job?.project.path ?? project, job: title, state, since: createdAt, pod: name };
}

function withoutPod({ id, name, project, startedAt }: JobRow, state: string): JobLine {
  return { project: project.path, job: `#${id} ${name}`, state, since: startedAt, pod: "" };
}

function cacheLines({ cache }: Snapshot): Line[] {
  return answered("Object store", cache, (content) => {
    if (content === null) {
      return [{ text: "none" }];
    }
    const { bucket, count, bytes, isCut } = content;
    return [{ text: `${plain(bucket)}: ${isCut ? "more than " : ""}${counted(count, "object")}, ${size(bytes)}` }];
  });
}

function eventLines({ cluster }: Snapshot, now: Date, width: number): Line[] {
  return answered("Kubernetes", cluster, ({ events }) => {
    const row = ({ at, object, reason, message, count, isWarning }: EventRow) => [
      age(at, now),
      cliTruncate(plain(object), Math.floor(width * 0.35), { position: "middle" }),
      `${isWarning ? "! " : ""}${plain(reason)}${count > 1 ? ` x${count}` : ""}`,
      message,
    ];
    return listed(events.map(row), "none");
  });
}

/** GitLab's words, such as `never_contacted`. */
function words(status: string): string {
  return status.replaceAll("_", " ");
}
