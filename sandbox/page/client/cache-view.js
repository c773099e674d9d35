import { html, nothing } from "/lit-html/lit-html.js";
import { formatBytes, formatCount } from "./format.js";
import { section, since } from "./pieces.js";

/** @import {BucketRow, CachePart, Part, ProjectRow} from "../snapshot.ts" */

/**
 * @param {Part<CachePart>} part
 * @param {readonly ProjectRow[]} projects
 * @param {number} now
 */
export function cacheView(part, projects, now) {
  const buckets = part.data?.buckets ?? [];
  const count = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  const bytes = buckets.reduce((sum, bucket) => sum + bucket.bytes, 0);
  const more = buckets.some(({ isCut }) => isCut) ? "more than " : "";
  return section({
    id: "cache",
    title: "Cache",
    note: part.data === undefined ? undefined : `${more}${formatCount(count, "object")}, ${formatBytes(bytes)}`,
    part,
    source: "MinIO",
    body: () =>
      buckets.length === 0
        ? html`<p class="empty">MinIO has no bucket.</p>`
        : buckets.map((bucket) => oneBucket(bucket, projects, now)),
  });
}

/**
 * @param {BucketRow} bucket
 * @param {readonly ProjectRow[]} projects
 * @param {number} now
 */
function oneBucket(bucket, projects, now) {
  if (bucket.count === 0) {
    return html`<p class="empty">Bucket <span class="code-name">${bucket.name}</span> is empty.</p>`;
  }
  return html`<table>
      <caption>
        Bucket
        <span class="code-name">${bucket.name}</span>
      </caption>
      <thead>
        <tr>
          <th scope="col">Object</th>
          <th scope="col" class="number">Size</th>
          <th scope="col" class="number">Age</th>
        </tr>
      </thead>
      <tbody>
        ${bucket.objects.map(
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
      bucket.count > bucket.objects.length
        ? html`<p class="empty">These are the newest; there are ${formatCount(bucket.count, "object")} in it.</p>`
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
