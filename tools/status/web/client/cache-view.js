import { html, nothing } from "/lit-html/lit-html.js";
import { formatBytes, formatCount } from "./format.js";
import { section, since } from "./pieces.js";

/** @import {CachePart, Part, ProjectRow} from "../../snapshot.ts" */

/**
 * @param {Part<CachePart | null>} part
 * @param {readonly ProjectRow[]} projects
 * @param {number} now
 */
export function cacheView(part, projects, now) {
  return section({
    id: "cache",
    title: "Cache",
    note: part.data ? amount(part.data) : undefined,
    part,
    source: "the object store",
    body: (cache) =>
      cache === null ? html`<p class="empty">The stack has no cache.</p>` : content(cache, projects, now),
  });
}

/** @param {CachePart} cache */
function amount({ count, bytes, isCut }) {
  return `${isCut ? "more than " : ""}${formatCount(count, "object")}, ${formatBytes(bytes)}`;
}

/**
 * @param {CachePart} cache
 * @param {readonly ProjectRow[]} projects
 * @param {number} now
 */
function content({ bucket, objects, count }, projects, now) {
  if (count === 0) {
    return html`<p class="empty">Bucket <span class="code-name">${bucket}</span> is empty.</p>`;
  }
  return html`<table>
      <caption>
        Bucket
        <span class="code-name">${bucket}</span>
      </caption>
      <thead>
        <tr>
          <th scope="col">Object</th>
          <th scope="col" class="number">Size</th>
          <th scope="col" class="number">Age</th>
        </tr>
      </thead>
      <tbody>
        ${objects.map(
          ({ key, bytes, modifiedAt }) =>
            html`<tr>
              <td><span class="code-name">${key}</span> ${ofProject(key, projects)}</td>
              <td class="number">${formatBytes(bytes)}</td>
              <td class="number">${since(modifiedAt, now)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
    ${
      count > objects.length
        ? html`<p class="empty">These are the newest of ${formatCount(count, "object")}.</p>`
        : nothing
    }`;
}

/**
 * The runner keeps a project's caches under `project/ID/`.
 * @param {string} key
 * @param {readonly ProjectRow[]} projects
 */
function ofProject(key, projects) {
  const id = Number(/(?:^|\/)project\/(\d+)\//.exec(key)?.[1]);
  const path = projects.find((project) => project.id === id)?.path;
  return path === undefined ? nothing : html`<small>${path}</small>`;
}
