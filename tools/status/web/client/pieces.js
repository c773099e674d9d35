import { html, nothing } from "/lit-html/lit-html.js";
import { formatAge } from "./format.js";

/** @import {TemplateResult} from "/lit-html/lit-html.js" */
/** @import {Part} from "../../snapshot.ts" */
/** @typedef {"good" | "bad" | "busy" | "waiting" | "quiet"} Mood */

/**
 * A section with a heading, the data of its source, and why the source does not respond.
 * @template T
 * @param {{ id: string, title: string, note?: unknown, part: Part<T>, source: string, body: (data: T) => unknown }} section
 * @returns {TemplateResult}
 */
export function section({ id, title, note, part, source, body }) {
  const { data, error } = part;
  return html`<section id=${id} aria-labelledby=${`${id}-title`}>
    <header class="section-head">
      <h2 id=${`${id}-title`}>${title}</h2>
      ${note === undefined ? nothing : html`<span class="note">${note}</span>`}
    </header>
    ${
      error === undefined
        ? nothing
        : html`<p class="error" role="alert">
            <strong>${source.slice(0, 1).toUpperCase()}${source.slice(1)} does not respond:</strong> ${error}${
              data === undefined ? "" : ". Its last known data is below."
            }
          </p>`
    }
    ${
      data !== undefined
        ? html`<div class=${error === undefined ? "body" : "body stale"}>${body(data)}</div>`
        : error === undefined
          ? html`<p class="empty">Asking ${source} …</p>`
          : nothing
    }
  </section>`;
}

/**
 * @param {Mood} mood
 * @param {string} text
 * @returns {TemplateResult}
 */
export function pill(mood, text) {
  return html`<span class="pill ${mood}"><span class="sign" aria-hidden="true"></span>${text}</span>`;
}

/**
 * A moment, as the time since then.
 * @param {string | null} moment
 * @param {number} now
 * @param {string} [after]
 */
export function since(moment, now, after = "") {
  if (moment === null) {
    return nothing;
  }
  const date = new Date(moment);
  return html`<time datetime=${moment} title=${date.toLocaleString("en-GB")}
    >${formatAge(now - date.getTime())}${after}</time
  >`;
}

/**
 * A command with a button that copies it.
 * @param {string} command
 * @returns {TemplateResult}
 */
export function copyable(command) {
  return html`<div class="command">
    <code>${words(command)}</code>
    <button type="button" aria-label=${`Copy: ${command}`} @click=${copy} data-command=${command}>Copy</button>
  </div>`;
}

/** A line may break before the hyphens of an option, but not after them. @param {string} command */
function words(command) {
  return command.split(" ").map((word, index) => html`${index === 0 ? "" : " "}<span class="word">${word}</span>`);
}

/** @param {Event} event */
async function copy(event) {
  const button = event.currentTarget;
  if (!(button instanceof HTMLButtonElement)) {
    return;
  }
  const { command = "" } = button.dataset;
  try {
    await navigator.clipboard.writeText(command);
    button.dataset.done = "Copied";
  } catch {
    const code = button.previousElementSibling;
    if (code !== null) {
      getSelection()?.selectAllChildren(code);
    }
    button.dataset.done = "Selected";
  }
  setTimeout(() => {
    delete button.dataset.done;
  }, 1_500);
}
