import { html, render } from "/lit-html/lit-html.js";
import { cacheView } from "./cache-view.js";
import { jobStatus, jobsView } from "./jobs-view.js";
import { podsView } from "./pods-view.js";
import { runnerView } from "./runner-view.js";
import { stackView } from "./stack-view.js";
import { Traces } from "./traces.js";

/** @import {JobRow, Snapshot} from "../snapshot.ts" */

/** @type {Snapshot} */
let snapshot = { gitlab: {}, pods: {}, cache: {}, stack: {} };
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
  const projects = snapshot.gitlab.data?.projects ?? [];
  const before = new Set(page.querySelectorAll(".trace"));
  const followed = [...before].filter(isAtEnd);
  render(
    html`
      <header class="page-head">
        <h1>Runner sandbox</h1>
        <p class="subtitle">What the stack has made in GitLab, Kubernetes and MinIO, on this machine</p>
        <p class="connection ${connection}" role="status"><span class="sign" aria-hidden="true"></span>${words()}</p>
      </header>
      <main class=${connection === "lost" ? "stale" : ""}>
        ${runnerView(snapshot.gitlab, now)}
        ${jobsView(snapshot.gitlab, {
          now,
          shown: shownJobs,
          showMore: (count) => {
            shownJobs = count;
            show();
          },
          traces,
          command: snapshot.stack.data?.suggestions[0]?.commands[0],
        })}
        <div class="side">${podsView(snapshot.pods, projects, now)} ${cacheView(snapshot.cache, projects, now)}</div>
        ${stackView(snapshot.stack)}
      </main>
      <footer>
        Real: Pulumi’s engine, the Kubernetes API and its controllers, MinIO, Helm. Simulated: the node and its pods.
        Emulated: GitLab.
      </footer>
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
  return connection === "connecting"
    ? "Connecting"
    : "The sandbox does not answer; trying again. Start it: npm run sandbox";
}

/** @param {Element} trace */
function isAtEnd(trace) {
  return trace.scrollTop > 0 && trace.scrollTop + trace.clientHeight >= trace.scrollHeight - 4;
}

/** Tells those who do not see the page which jobs have ended. @param {readonly JobRow[]} before */
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
    snapshot = /** @type {Snapshot} */ (told);
    announce(before);
    traces.follow(snapshot.gitlab.data?.jobs ?? []);
    show();
  });
}

// A page that nobody looks at leaves the sandbox in peace.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    events?.close();
  } else {
    connect();
  }
});
setInterval(() => {
  if (!document.hidden) {
    show();
  }
}, 1_000);
connect();
show();
