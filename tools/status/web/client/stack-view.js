import { html, nothing } from "/lit-html/lit-html.js";
import { copyable, pill, section } from "./pieces.js";

/** @import {Part, StackPart} from "../../snapshot.ts" */

/** @param {Part<StackPart>} part */
export function stackView(part) {
  return section({
    id: "stack",
    title: "Deployed",
    note: part.data === undefined ? undefined : part.data.name,
    part,
    source: "Pulumi",
    body: ({ outputs, isBusy, suggestions }) => html`
      ${isBusy ? html`<p class="busy-note">${pill("busy", "Pulumi is running")}</p>` : nothing}
      <div class="halves">
        <div>
          <h3>Outputs</h3>
          ${
            outputs === undefined
              ? html`<p class="empty">${isBusy ? "Nothing is deployed yet." : "Nothing is deployed."}</p>`
              : html`<dl class="outputs">
                  ${inOrder(outputs).map(
                    ([name, value]) =>
                      html`<div>
                        <dt>${name}</dt>
                        <dd>${output(value)}</dd>
                      </div>`,
                  )}
                </dl>`
          }
        </div>
        ${
          suggestions.length === 0
            ? nothing
            : html`<div>
                <h3>Try next</h3>
                <ul class="suggestions">
                  ${suggestions.map(
                    ({ what, commands }) =>
                      html`<li>
                        <p>${what}</p>
                        ${commands.map(copyable)}
                      </li>`,
                  )}
                </ul>
              </div>`
        }
      </div>
    `,
  });
}

/** As index.ts exports them; Pulumi sorts them by name. */
const order = ["runnerId", "runnerPage", "runnerTags", "enabledProjects", "namespace", "jobNamespace", "release"];

/** @param {Readonly<Record<string, unknown>>} outputs */
function inOrder(outputs) {
  const place = (/** @type {string} */ name) => (order.includes(name) ? order.indexOf(name) : order.length);
  return Object.entries(outputs)
    .filter(([name]) => name !== "nextSteps")
    .sort(([a], [b]) => place(a) - place(b));
}

/**
 * @param {unknown} value
 * @returns {unknown}
 */
function output(value) {
  if (typeof value === "string" && /^https?:\/\//.test(value)) {
    return html`<a href=${value}>${value}</a>`;
  }
  if (Array.isArray(value)) {
    return value.length === 0 ? "none" : value.map(String).join(", ");
  }
  if (typeof value === "object" && value !== null) {
    return html`<ul class="plain">
      ${Object.entries(value).map(([name, inner]) => html`<li><small class="beside">${name}</small> ${String(inner)}</li>`)}
    </ul>`;
  }
  return String(value);
}
