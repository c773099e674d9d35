import { html, nothing } from "/lit-html/lit-html.js";
import { pill, section, since } from "./pieces.js";

/** @import {GitLabPart, Part, RunnerRow, StackPart} from "../../snapshot.ts" */
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
 * @param {StackPart | undefined} stack
 * @param {number} now
 */
export function runnerView(part, stack, now) {
  return section({
    id: "runner",
    title: "Runner",
    part,
    source: "GitLab",
    body: ({ runner }) =>
      runner === null
        ? html`<p class="empty">
            ${
              stack?.outputs === undefined
                ? "GitLab has no runner yet."
                : "An existing runner; the stack has only its token."
            }
          </p>`
        : oneRunner(runner, stack?.outputs?.["runnerPage"], now),
  });
}

/**
 * @param {RunnerRow} runner
 * @param {unknown} page
 * @param {number} now
 */
function oneRunner(runner, page, now) {
  const [mood, word] = statuses[runner.status] ?? ["quiet", runner.status];
  const number = `#${String(runner.id)}`;
  const [manager] = runner.managers.toSorted((a, b) => (b.contactedAt ?? "").localeCompare(a.contactedAt ?? ""));
  return html`<article class="runner" aria-label=${`Runner ${String(runner.id)}`}>
    <div class="runner-head">
      <h3>${runner.description ?? "No description"}</h3>
      ${
        typeof page === "string" && /^https?:/.test(page)
          ? html`<a href=${page} aria-label=${`${number} in GitLab`}>${number}</a>`
          : html`<span>${number}</span>`
      }
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
          ${manager === undefined || manager.version === null ? nothing : html`<small>manager ${manager.version}</small>`}
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
    ${runner.projects.map(({ id, path }) => html`<li><span class="path">${path}</span> <small>${id}</small></li>`)}
  </ul>`;
}
