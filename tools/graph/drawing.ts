import { boxesOf, font, framesOf, linesOf, textSize, titleSize, type Area, type Layout, type Point } from "./layout.ts";
import type { Box, Frame, Picture } from "./picture.ts";

/** How the boxes of a provider look; the text on them is black. */
interface Look {
  readonly title: string;
  readonly line: string;
  readonly fill: string;
}

const looks: Readonly<Record<string, Look>> = {
  gitlab: { title: "GitLab", line: "#c2410c", fill: "#ffe4d1" },
  minio: { title: "MinIO", line: "#b1154a", fill: "#fddfe8" },
  kubernetes: { title: "Kubernetes", line: "#1d4fbf", fill: "#dce8ff" },
  random: { title: "random", line: "#6a6480", fill: "#eae8f1" },
};
const otherLook = { line: "#3f6f4a", fill: "#dff0e2" };

const margin = 10;
const legendHeight = 34;
/** Wide enough for a letter of the legend on average, in any of the fonts. */
const letterWidth = 6.5;

const style = `
  text { font: ${textSize}px ${font}; fill: #57606a; }
  .box text { text-anchor: middle; fill: #1f2328; }
  text.kind { font-weight: bold; font-size: ${titleSize}px; fill: #1f2328; }
  .box rect { stroke-width: 1.2; }
  .frame { stroke: #afb8c1; }
  .arrow { stroke: #57606a; fill: none; }
  .head { fill: #57606a; stroke: none; }
  .label { text-anchor: middle; paint-order: stroke; stroke: #ffffff; stroke-width: 4; stroke-linejoin: round; }
  .title { paint-order: stroke; stroke-width: 3; stroke-linejoin: round; }`;

/** @returns the picture as SVG; its background is white, whatever is around it */
export function draw(picture: Picture, layout: Layout): string {
  const legend = legendOf(picture);
  const inner = { width: Math.max(layout.width, legend.width), height: layout.height + legendHeight };
  const width = Math.ceil(inner.width + 2 * margin);
  const height = Math.ceil(inner.height + 2 * margin);
  const shift = Math.max(0, (legend.width - layout.width) / 2);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escape(`Resources of ${picture.project}, by component`)}</title>`,
    `<style>${style}\n</style>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    `<g transform="translate(${round(margin + shift)} ${margin})">`,
    ...drawFrames(picture, layout),
    ...layout.courses.flatMap(({ curve, head }, index) => [
      `<path class="arrow"${picture.arrows[index]?.properties.length === 0 ? ` stroke-dasharray="4 3"` : ""} d="${path(curve)}"/>`,
      `<polygon class="head" points="${head.map(pair).join(" ")}"/>`,
    ]),
    ...boxesOf(picture).map((box) => drawBox(box, layout.areas.get(box.id))),
    ...frameTitles(picture, layout),
    ...layout.courses.flatMap(({ label }, index) => labelText(picture.arrows[index]?.properties ?? [], label)),
    `</g>`,
    `<g transform="translate(${round((width - legend.width) / 2)} ${round(margin + layout.height)})">`,
    ...legend.parts,
    `</g>`,
    `</svg>`,
    ``,
  ].join("\n");
}

function drawFrames(picture: Picture, { areas }: Layout): string[] {
  return framesOf(picture).map(({ id, kind, name }) => {
    const title = `<title>${escape(`${kind} ${name}`)}</title>`;
    return `<g><rect class="frame" rx="10" fill="${fillOf(id, picture)}"${place(areas.get(id))}/>${title}</g>`;
  });
}

/** On top of the arrows, so that none crosses them out. */
function frameTitles(picture: Picture, { areas }: Layout): string[] {
  return framesOf(picture).flatMap(({ id, kind, name }) => {
    const { x, y } = areas.get(id) ?? nowhere;
    const text = (words: string, line: number, attributes: string) =>
      `<text ${attributes} stroke="${fillOf(id, picture)}" x="${round(x + 8)}" y="${round(y + 16 + 12 * line)}">${escape(words)}</text>`;
    return [text(kind, 0, `class="title kind"`), text(name, 1, `class="title"`)];
  });
}

/** Nested frames alternate, so that each stands out. */
function fillOf(id: string, picture: Picture): string {
  const depth = (part: Picture | Frame): number =>
    Math.max(-Infinity, ...part.frames.map((frame) => (frame.id === id ? 0 : depth(frame) + 1)));
  return depth(picture) % 2 === 0 ? "#f6f8fa" : "#ffffff";
}

function drawBox(box: Box, area: Area = nowhere): string {
  const { line, fill } = looks[box.provider] ?? otherLook;
  const kind = linesOf(box.kind).map((text) => ({ text, attributes: ` class="kind"` }));
  const lines = [...kind, ...box.names.map((text) => ({ text, attributes: "" }))];
  const middle = area.x + area.width / 2;
  const first = area.y + area.height / 2 - (lines.length * lineHeight) / 2 + baseline;
  const texts = lines.map(
    ({ text, attributes }, index) =>
      `<text${attributes} x="${round(middle)}" y="${round(first + index * lineHeight)}">${escape(text)}</text>`,
  );
  const dashes = box.isExternal ? ` stroke-dasharray="4 3"` : "";
  return `<g class="box"><rect rx="8" fill="${fill}" stroke="${line}"${dashes}${place(area)}/>${texts.join("")}</g>`;
}

function labelText(properties: readonly string[], middle: Point | undefined): string[] {
  if (middle === undefined) {
    return [];
  }
  const lines = properties.flatMap(linesOf);
  const first = middle.y - (lines.length * lineHeight) / 2 + baseline;
  const spans = lines.map(
    (text, index) => `<tspan x="${round(middle.x)}" y="${round(first + index * lineHeight)}">${escape(text)}</tspan>`,
  );
  return [`<text class="label">${spans.join("")}</text>`];
}

/** One row below the picture: the colours of the providers, and the meaning of the lines. */
function legendOf(picture: Picture): { parts: string[]; width: number } {
  const boxes = boxesOf(picture);
  const used = new Set(boxes.map(({ provider }) => provider));
  const others = [...used].filter((provider) => !(provider in looks)).toSorted();
  const swatches = [
    ...Object.entries(looks).flatMap(([provider, look]) => (used.has(provider) ? [look] : [])),
    ...others.map((title) => ({ ...otherLook, title })),
  ].map(({ title, line, fill }) => ({ title, sign: `<rect ${signPlace} rx="4" fill="${fill}" stroke="${line}"/>` }));
  const arrow = (title: string, attributes: string) => ({
    title,
    sign: `<path class="arrow"${attributes} d="M0,0H16"/><polygon class="head" points="16,-3 23,0 16,3"/>`,
  });
  const external = `<rect ${signPlace} rx="4" fill="none" stroke="#57606a" stroke-dasharray="4 3"/>`;
  const entries = [
    ...swatches,
    ...(boxes.some(({ isExternal }) => isExternal) ? [{ title: "already exists", sign: external }] : []),
    arrow("passes a value to this property or argument", ""),
    ...(picture.arrows.some(({ properties }) => properties.length === 0)
      ? [arrow("is created before", ` stroke-dasharray="4 3"`)]
      : []),
  ];
  let x = 0;
  const parts = entries.map(({ title, sign }) => {
    const part = `<g transform="translate(${x} ${legendHeight - 10})">${sign}<text x="30" y="4">${escape(title)}</text></g>`;
    x += 30 + title.length * letterWidth + 12;
    return part;
  });
  return { parts, width: x };
}

const signPlace = `y="-7" width="23" height="14"`;
const lineHeight = 13;
/** From the top of a line to where its letters stand. */
const baseline = 10;
const nowhere: Area = { x: 0, y: 0, width: 0, height: 0 };

function place({ x, y, width, height }: Area = nowhere): string {
  return ` x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"`;
}

function path([start, ...points]: readonly Point[]): string {
  return start === undefined ? "" : `M${pair(start)}C${points.map(pair).join(" ")}`;
}

function pair({ x, y }: Point): string {
  return `${round(x)},${round(y)}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
