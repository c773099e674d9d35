import { html, nothing } from "/lit-html/lit-html.js";
import { pill, section, since } from "./pieces.js";

/** @import {GitLabPart, Part, RunnerRow} from "../snapshot.ts" */
/** @import {Mood} from "./pieces.js" */

/** @type {Readonly<Record<string, readonly [Mood, string]>>} */
const statuses = {
  online: ["good", "Online"],
  offline: ["bad", "Offline"],
  stale: ["bad", "Stale"],
  paused: ["waiting", "Paused"],
  never_contacted: ["quiet", "Never contacted"],
};

/** @type {Readonly<Record<string, string>>} */
const types = { project_type: "Project runner", group_type: "Group runner", instance_type: "Instance runner" };

/**
 * @param {Part<GitLabPart>} part
 * @param {number} now
 */
export function runnerView(part, now) {
  return section({
    id: "runner",
    title: part.data !== undefined && part.data.runners.length > 1 ? "Runners" : "Runner",
    part,
    source: "GitLab",
    body: ({ runners }) =>
      runners.length === 0
        ? html`<p class="empty">GitLab has no runner yet.</p>`
        : runners.map((runner) => oneRunner(runner, now)),
  });
}

/**
 * @param {RunnerRow} runner
 * @param {number} now
 */
function oneRunner(runner, now) {
  const [mood, word] = statuses[runner.status] ?? ["quiet", runner.status];
  return html`<article class="runner" aria-label=${`Runner ${String(runner.id)}`}>
    <div class="runner-head">
      <h3>${runner.description ?? "Without a description"}</h3>
      <a href=${runner.page} aria-label=${`#${String(runner.id)} in GitLab`}>#${runner.id}</a>
      ${pill(mood, word)} ${runner.paused && runner.status !== "paused" ? pill("waiting", "Paused") : nothing}
    </div>
    <dl class="facts">
      <div class="wide">
        <dt>Tags</dt>
        <dd>
          ${
            runner.tags.length === 0
              ? "none"
              : html`<ul class="chips">
                  ${runner.tags.map((tag) => html`<li>${tag}</li>`)}
                </ul>`
          }
        </dd>
      </div>
      <div class="wide">
        <dt>Projects</dt>
        <dd>${projects(runner)}</dd>
      </div>
      <div>
        <dt>Last contact</dt>
        <dd>
          ${runner.contactedAt === null ? "never" : since(runner.contactedAt, now, " ago")}
          ${runner.version === null ? nothing : html`<small>manager ${runner.version}</small>`}
        </dd>
      </div>
      <div>
        <dt>Takes</dt>
        <dd>
          ${runner.runUntagged ? "tagged and untagged jobs" : "tagged jobs"}${
            runner.protectedOnly ? " of protected branches and tags" : ""
          }
          <small>${types[runner.type] ?? runner.type}${runner.locked ? ", locked to its projects" : ""}</small>
        </dd>
      </div>
    </dl>
  </article>`;
}

/** @param {RunnerRow} runner */
function projects(runner) {
  if (runner.type !== "project_type") {
    return runner.type === "group_type" ? "all of its group" : "all";
  }
  return html`<ul class="plain">
    ${runner.projects.map(
      ({ id, path }, index) =>
        html`<li><span class="path">${path}</span> <small>${id}${index === 0 ? ", owner" : ""}</small></li>`,
    )}
  </ul>`;
}
