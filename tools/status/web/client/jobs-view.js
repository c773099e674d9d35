import { html, nothing } from "/lit-html/lit-html.js";
import { guard } from "/lit-html/directives/guard.js";
import { repeat } from "/lit-html/directives/repeat.js";
import { formatCount, formatDuration } from "./format.js";
import { copyable, pill, section, since } from "./pieces.js";

/** @import {GitLabPart, JobRow, Part, TraceView} from "../../snapshot.ts" */
/** @import {Mood} from "./pieces.js" */
/** @import {Traces} from "./traces.js" */

/** What GitLab's pages call a job's states. @type {Readonly<Record<string, readonly [Mood, string]>>} */
const statuses = {
  pending: ["waiting", "Pending"],
  running: ["busy", "Running"],
  canceling: ["busy", "Canceling"],
  success: ["good", "Passed"],
  failed: ["bad", "Failed"],
  canceled: ["quiet", "Canceled"],
};

/** The most important first. */
const order = ["Running", "Canceling", "Pending", "Failed", "Passed", "Canceled"];

/** @param {string} status */
export function jobStatus(status) {
  return statuses[status] ?? /** @type {const} */ (["quiet", status]);
}

/**
 * @param {Part<GitLabPart>} part
 * @param {{ now: number, shown: number, showMore: (count: number) => void, traces: Traces, command: string | undefined }} options
 */
export function jobsView(part, { now, shown, showMore, traces, command }) {
  const count = part.data?.jobs.length ?? 0;
  return section({
    id: "jobs",
    title: "Jobs",
    note: count === 0 ? undefined : summary(part.data?.jobs ?? []),
    part,
    source: "GitLab",
    body: ({ jobs }) => html`
      ${
        jobs.length === 0
          ? html`<div class="empty">
              <p>No jobs yet. ${command === undefined ? nothing : "Run one:"}</p>
              ${command === undefined ? nothing : copyable(command)}
            </div>`
          : html`<ol class="jobs">
              ${repeat(
                jobs.slice(0, shown),
                ({ id }) => id,
                (job) => html`<li>${oneJob(job, now, traces)}</li>`,
              )}
            </ol>`
      }
      ${
        jobs.length > shown
          ? html`<p class="more">
              <button
                type="button"
                @click=${() => {
                  showMore(jobs.length);
                }}
              >
                Show ${formatCount(jobs.length - shown, "older job")}
              </button>
            </p>`
          : nothing
      }
    `,
  });
}

/** @param {readonly JobRow[]} jobs */
function summary(jobs) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { status } of jobs) {
    const [, word] = jobStatus(status);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
    .map(([word, count]) => `${count.toLocaleString("en")} ${word.toLowerCase()}`)
    .join(", ");
}

/**
 * @param {JobRow} job
 * @param {number} now
 * @param {Traces} traces
 */
function oneJob(job, now, traces) {
  const [mood, word] = jobStatus(job.status);
  return html`<details
    class="job"
    data-job=${job.id}
    @toggle=${(/** @type {Event} */ event) => {
      traces.toggle(job.id, event.target instanceof HTMLDetailsElement && event.target.open);
    }}
  >
    <summary>
      ${pill(mood, word)}
      <span class="job-name"><strong>${job.name}</strong> <span class="number">#${job.id}</span></span>
      <span class="job-project path">${job.project.path}</span>
      <span class="job-times">
        ${duration(job, now)}
        <span class="job-age">${since(job.finishedAt ?? job.startedAt ?? job.createdAt, now, " ago")}</span>
      </span>
    </summary>
    ${traces.isOpen(job.id) ? opened(job, traces) : nothing}
  </details>`;
}

/**
 * @param {JobRow} job
 * @param {number} now
 */
function duration(job, now) {
  if (job.startedAt === null) {
    return job.status === "pending" ? html`<span>waiting</span>` : nothing;
  }
  const end = job.finishedAt === null ? now : Date.parse(job.finishedAt);
  return html`<span><span class="unseen">took </span>${formatDuration(end - Date.parse(job.startedAt))}</span>`;
}

/**
 * @param {JobRow} job
 * @param {Traces} traces
 */
function opened(job, traces) {
  const { view, error } = traces.get(job.id);
  return html`<div class="opened">
    <dl class="inline">
      <div>
        <dt>Stage</dt>
        <dd>${job.stage}</dd>
      </div>
      <div>
        <dt>Ref</dt>
        <dd>${job.ref}</dd>
      </div>
      ${
        job.failureReason === null
          ? nothing
          : html`<div>
              <dt>Reason</dt>
              <dd>${job.failureReason.replaceAll("_", " ")}</dd>
            </div>`
      }
    </dl>
    ${
      error === undefined
        ? nothing
        : html`<p class="error" role="alert"><strong>The log cannot be read:</strong> ${error}</p>`
    }
    ${
      view === undefined
        ? nothing
        : view.lines.length === 0
          ? html`<p class="empty">
              ${
                job.status === "pending"
                  ? "It is waiting for a runner with its tags. The sandbox’s manager runs only during “npm run sandbox -- job”."
                  : "Its log is empty."
              }
            </p>`
          : html`<div
              class="trace"
              data-interest=${job.status === "success" ? "start" : "end"}
              role="region"
              aria-label=${`Log of job ${String(job.id)}`}
              tabindex="0"
            >
              ${guard([view], () => traceLines(view))}
            </div>`
    }
  </div>`;
}

/** @param {TraceView} view */
function traceLines({ lines, omitted }) {
  return html`${
      omitted === 0
        ? nothing
        : html`<p class="omitted">${formatCount(omitted, "earlier line")} not shown; the full log is in GitLab.</p>`
    }
    <pre>
${lines.map(
        (spans) =>
          html`<span class="line"
            >${spans.map(({ text, style }) => (style === "" ? text : html`<span class=${style}>${text}</span>`))}${"\n"}</span
          >`,
      )}</pre>`;
}
