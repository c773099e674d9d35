import { html, nothing, render } from "/lit-html/lit-html.js";
import { cacheView } from "./cache-view.js";
import { eventsView } from "./events-view.js";
import { jobStatus, jobsView } from "./jobs-view.js";
import { podsView } from "./pods-view.js";
import { runnerView } from "./runner-view.js";
import { stackView } from "./stack-view.js";
import { Traces } from "./traces.js";

/** @import {JobRow, PageSnapshot} from "../../snapshot.ts" */

/** @type {PageSnapshot} */
let snapshot = {
  ...{ stack: {}, gitlab: {}, cluster: {}, cache: {} },
  text: { title: document.title, subtitle: "", start: "" },
};
/** @type {"connecting" | "live" | "lost"} */
let connection = "connecting";
/** @type {EventSource | undefined} */
let events;
let shownJobs = 20;
const traces = new Traces(show);

function show() {
  const page = document.getElementById("page");
  if (page === null) {
    return;
  }
  const now = Date.now();
  const { gitlab, cluster, cache, stack, text } = snapshot;
  const projects = [
    ...(gitlab.data?.runner?.projects ?? []),
    ...(gitlab.data?.jobs ?? []).map(({ project }) => project),
  ];
  const before = new Set(page.querySelectorAll(".trace"));
  const followed = [...before].filter(isAtEnd);
  render(
    html`
      <header class="page-head">
        <h1>${text.title}</h1>
        <p class="subtitle">${text.subtitle}</p>
        <p class="connection ${connection}" role="status"><span class="sign" aria-hidden="true"></span>${words()}</p>
      </header>
      <main class=${connection === "lost" ? "stale" : ""}>
        ${runnerView(gitlab, stack.data, now)}
        ${jobsView(gitlab, {
          now,
          shown: shownJobs,
          showMore: (count) => {
            shownJobs = count;
            show();
          },
          traces,
          command: stack.data?.jobCommand,
        })}
        <div class="side">
          ${podsView(cluster, projects, now)} ${cacheView(cache, projects, now)} ${eventsView(cluster, now)}
        </div>
        ${stackView(stack)}
      </main>
      ${text.footer === undefined ? nothing : html`<footer>${text.footer}</footer>`}
    `,
    page,
  );
  // Of a job that runs or has failed, the end is what one looks for.
  const opened = [...page.querySelectorAll(".trace[data-interest=end]")].filter((trace) => !before.has(trace));
  for (const trace of [...followed, ...opened]) {
    trace.scrollTop = trace.scrollHeight;
  }
}

function words() {
  if (connection === "live") {
    return "Live";
  }
  const { start } = snapshot.text;
  return connection === "connecting"
    ? "Connecting"
    : `The page’s server does not respond; retrying.${start === "" ? "" : ` Start it: ${start}`}`;
}

/** @param {Element} trace */
function isAtEnd(trace) {
  // One that fits has no end to be at, unless it is still growing.
  const isFollowed = trace.scrollTop > 0 || trace.getAttribute("data-interest") === "end";
  return isFollowed && trace.scrollTop + trace.clientHeight >= trace.scrollHeight - 4;
}

/** Announces finished jobs to screen readers. @param {readonly JobRow[]} before */
function announce(before) {
  const old = new Map(before.map(({ id, status }) => [id, status]));
  const changed = snapshot.gitlab.data?.jobs.filter(({ id, status }) => old.has(id) && old.get(id) !== status) ?? [];
  const news = document.getElementById("news");
  if (news !== null && changed.length > 0) {
    news.textContent = changed
      .map(({ id, name, status }) => `Job ${String(id)}, ${name}: ${jobStatus(status)[1]}`)
      .join(". ");
  }
}

function connect() {
  events?.close();
  events = new EventSource("events");
  events.addEventListener("open", () => {
    connection = "live";
    show();
  });
  events.addEventListener("error", () => {
    connection = "lost";
    show();
  });
  events.addEventListener("snapshot", (/** @type {MessageEvent<string>} */ event) => {
    const before = snapshot.gitlab.data?.jobs ?? [];
    const told = /** @type {unknown} */ (JSON.parse(event.data));
    snapshot = /** @type {PageSnapshot} */ (told);
    document.title = snapshot.text.title;
    announce(before);
    traces.follow(snapshot.gitlab.data?.jobs ?? []);
    show();
  });
}

// A page that nobody looks at leaves the servers in peace.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    events?.close();
  } else {
    connect();
  }
});
setInterval(() => {
  if (!document.hidden) {
    traces.follow(snapshot.gitlab.data?.jobs ?? []);
    show();
  }
}, 1_000);
connect();
show();
