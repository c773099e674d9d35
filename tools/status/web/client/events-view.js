import { html, nothing } from "/lit-html/lit-html.js";
import { section, since } from "./pieces.js";

/** @import {ClusterPart, EventRow, Part} from "../../snapshot.ts" */

/**
 * @param {Part<ClusterPart>} part
 * @param {number} now
 */
export function eventsView(part, now) {
  return section({
    id: "events",
    title: "Events",
    part,
    source: "Kubernetes",
    body: ({ events }) =>
      events.length === 0
        ? html`<p class="empty">No recent events.</p>`
        : html`<ul class="rows">
            ${events.map((event) => html`<li>${oneEvent(event, now)}</li>`)}
          </ul>`,
  });
}

/**
 * @param {EventRow} event
 * @param {number} now
 */
function oneEvent({ at, object, reason, message, count, isWarning }, now) {
  return html`<div class="row-head">
      <h3>${isWarning ? "Warning: " : ""}${reason}${count > 1 ? html` <small>${count} times</small>` : nothing}</h3>
      <span class="note">${since(at, now, " ago")}</span>
    </div>
    <p class="code-name">${object}</p>
    <p class="note">${message}</p>`;
}
