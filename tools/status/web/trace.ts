import { AnsiStyle } from "./ansi-style.ts";
import type { TraceSpan, TraceView } from "../snapshot.ts";

const maxLines = 2_000;
const maxLength = 1_000_000;

/** https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections */
const sectionMarkers = /section_(?:start|end):\d+:[\w.-]+(?:\[[^\]\r\n]*\])?\r?(?:\x1b\[0K)?/g;
/** https://docs.gitlab.com/ci/jobs/job_logs/#job-log-timestamps; a plus joins the line to the one before it. */
const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z [0-9a-f]{2}[OE](?<flag>[ +])/;
/** Sequences that set colours and styles. */
const graphics = /\x1b\[([\d;]*)m/g;
/** All other escape sequences: for the cursor, links and window titles, and the short ones. */
const otherEscapes =
  /\x1b\[(?![\d;]*m)[0-?]*[ -/]*[@-~]?|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b(?!\[)[ -/]*[0-~]?/g;
const otherControls = /[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]/g;

/**
 * Turns a job's trace into lines with styles: colours as class names, without section markers, timestamps and sequences
 * that move the cursor, and without what a carriage return overwrites. The text still comes from a job, so it is not
 * trusted: show it as text. A long trace is cut to its end.
 */
export function renderTrace(trace: string): TraceView {
  const from = trace.length > maxLength ? trace.indexOf("\n", trace.length - maxLength) + 1 : 0;
  const style = new AnsiStyle();
  const lines = cleanLines(trace.slice(from)).map((line) => styleLine(line, style));
  const cut = Math.max(0, lines.length - maxLines);
  return { lines: lines.slice(cut), omitted: cut + trace.slice(0, from).split("\n").length - 1 };
}

function cleanLines(text: string): string[] {
  const lines: string[] = [];
  for (const line of text.replaceAll("\r\n", "\n").replace(/\n$/, "").split("\n")) {
    const stamp = timestamp.exec(line);
    const content = line.slice(stamp?.[0].length ?? 0);
    const cleaned = cleanLine(content);
    if (stamp?.groups?.["flag"] === "+" && lines.length > 0) {
      lines.push(`${lines.pop() ?? ""}${cleaned}`);
    } else if (isSeen(cleaned) || content.replace(sectionMarkers, "") === content) {
      lines.push(cleaned);
    }
  }
  return lines.length === 1 && lines[0] === "" ? [] : lines;
}

function cleanLine(line: string): string {
  const parts = line.replace(sectionMarkers, "").replace(otherEscapes, "").split("\r");
  const last = parts.findLastIndex(isSeen);
  return parts
    .map((part, index) => (index === last ? part : (part.match(graphics) ?? []).join("")))
    .join("")
    .replace(otherControls, "");
}

function isSeen(text: string): boolean {
  return text.replace(graphics, "") !== "";
}

/** @param style - how the line begins; then how it ends */
function styleLine(line: string, style: AnsiStyle): TraceSpan[] {
  const spans: TraceSpan[] = [];
  // With its group, split() gives text and parameters in turns.
  for (const [index, part] of line.split(graphics).entries()) {
    if (index % 2 === 1) {
      style.apply(part);
    } else if (part !== "") {
      spans.push({ text: part, style: style.classes });
    }
  }
  return spans;
}
