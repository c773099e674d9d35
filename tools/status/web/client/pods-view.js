import { html, nothing } from "/lit-html/lit-html.js";
import { repeat } from "/lit-html/directives/repeat.js";
import { formatCount } from "./format.js";
import { pill, section, since } from "./pieces.js";

/** @import {ClusterPart, Part, PodRow, ProjectRow} from "../../snapshot.ts" */
/** @import {Mood} from "./pieces.js" */

/** @type {Readonly<Record<string, Mood>>} */
const moods = {
  Running: "good",
  Succeeded: "quiet",
  Pending: "waiting",
  ContainerCreating: "waiting",
  Terminating: "quiet",
};

/**
 * @param {Part<ClusterPart>} part
 * @param {readonly ProjectRow[]} projects
 * @param {number} now
 */
export function podsView(part, projects, now) {
  const jobs = part.data?.pods.filter(({ role }) => role === "job").length ?? 0;
  return section({
    id: "pods",
    title: "Pods",
    note: part.data === undefined ? undefined : jobs === 0 ? "no running jobs" : formatCount(jobs, "running job"),
    part,
    source: "Kubernetes",
    body: ({ pods }) =>
      pods.length === 0
        ? html`<p class="empty">The stack has no pods.</p>`
        : html`<ul class="rows">
            ${repeat(
              pods,
              ({ uid }) => uid,
              (pod) => html`<li>${onePod(pod, projects, now)}</li>`,
            )}
          </ul>`,
  });
}

/**
 * @param {PodRow} pod
 * @param {readonly ProjectRow[]} projects
 * @param {number} now
 */
function onePod(pod, projects, now) {
  const project = projects.find(({ id }) => id === pod.projectId)?.path ?? pod.project;
  const isReady = pod.state !== "Running" || pod.ready === pod.containers;
  return html`<div class="row-head">
      <h3>${title(pod)}</h3>
      ${pill(isReady ? (moods[pod.state] ?? "bad") : "waiting", pod.state)}
    </div>
    <p class="code-name">${pod.namespace}/${pod.name}</p>
    <dl class="inline">
      <div>
        <dt>Ready</dt>
        <dd>${pod.ready}/${pod.containers}</dd>
      </div>
      <div>
        <dt>Age</dt>
        <dd>${since(pod.createdAt, now)}</dd>
      </div>
      <div>
        <dt>Node</dt>
        <dd>${pod.node ?? "none yet"}</dd>
      </div>
      ${
        project === ""
          ? nothing
          : html`<div>
              <dt>Project</dt>
              <dd>${project}</dd>
            </div>`
      }
    </dl>`;
}

/** @param {PodRow} pod */
function title(pod) {
  if (pod.role === "manager") {
    return "Manager";
  }
  return pod.jobId === null ? "Job" : `Job #${String(pod.jobId)}`;
}
