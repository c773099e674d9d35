import { instance, type Graph, type Subgraph } from "@viz-js/viz";
import type { Arrow, Box, Frame, Picture } from "./picture.ts";

/** A place in the picture, in pixels from its top left corner. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A part of the picture. */
export interface Area extends Point {
  readonly width: number;
  readonly height: number;
}

/** The course of an arrow. */
export interface Course {
  /** A start, and three points for each Bézier curve that follows, as in an SVG path. */
  readonly curve: readonly Point[];
  /** Corners of its head. */
  readonly head: readonly Point[];
  /** Middle of what is written on it. */
  readonly label: Point | undefined;
}

/** The positions of everything. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Areas of boxes and frames, by id. */
  readonly areas: ReadonlyMap<string, Area>;
  /** Courses of the picture's arrows, in their order. */
  readonly courses: readonly Course[];
}

/** A font whose letter widths Graphviz knows and that readers have, or one of the same width. */
export const font = "Arial, Helvetica, 'Liberation Sans', sans-serif";
/** Sizes of text. */
export const titleSize = 12;
/** Sizes of text. */
export const textSize = 11;

/** @returns where Graphviz puts the parts of a picture; always the same for the same picture */
export async function layOut(picture: Picture): Promise<Layout> {
  const ids = new Map([...boxesOf(picture), ...framesOf(picture)].map(({ id }, index) => [id, `cluster_${index}`]));
  const viz = await instance();
  return readLayout(viz.renderJSON(graph(picture, ids), { format: "json" }) as GraphvizOutput, ids);
}

/** @returns all boxes, of the inner frames, too */
export function boxesOf(part: Picture | Frame): Box[] {
  return [...part.boxes, ...part.frames.flatMap(boxesOf)];
}

/** @returns all frames, the inner ones, too, after those that they are in */
export function framesOf(part: Picture | Frame): Frame[] {
  return part.frames.flatMap((frame) => [frame, ...framesOf(frame)]);
}

/** A long name in two lines, split at the capital letter nearest to its middle. */
export function linesOf(name: string): string[] {
  const places = Array.from(name.matchAll(/(?<=[a-z])(?=[A-Z])/g), ({ index }) => index);
  const distance = (place: number) => Math.abs(place - name.length / 2);
  const [best] = places.toSorted((a, b) => distance(a) - distance(b));
  return name.length <= 14 || best === undefined ? [name] : [name.slice(0, best), name.slice(best)];
}

/** Graphviz draws a subgraph as a frame if its name says so. */
type Ids = ReadonlyMap<string, string>;

function graph(picture: Picture, ids: Ids): Graph {
  return {
    graphAttributes: { compound: true, nodesep: 0.12, ranksep: 0.3, pad: 0 },
    nodeAttributes: { shape: "box", fontname: "Arial", fontsize: titleSize, margin: "0.09,0.07", height: 0.42 },
    edgeAttributes: { fontname: "Arial", fontsize: textSize, arrowsize: 0.75 },
    nodes: picture.boxes.map((box) => node(box, ids)),
    subgraphs: picture.frames.map((frame) => cluster(frame, ids)),
    edges: picture.arrows.map((arrow, index) => edge(arrow, index, ids)),
  };
}

function cluster(frame: Frame, ids: Ids): Subgraph {
  return {
    name: ids.get(frame.id),
    graphAttributes: {
      label: { html: html([frame.kind], [frame.name]) },
      labeljust: "l",
      fontname: "Arial",
      fontsize: titleSize,
      margin: 8,
    },
    nodes: frame.boxes.map((box) => node(box, ids)),
    subgraphs: frame.frames.map((inner) => cluster(inner, ids)),
  };
}

function node({ id, kind, names }: Box, ids: Ids): NonNullable<Graph["nodes"]>[number] {
  return { name: ids.get(id) ?? "", attributes: { label: { html: html(linesOf(kind), names) } } };
}

function edge({ from, to, frame, properties }: Arrow, index: number, ids: Ids): NonNullable<Graph["edges"]>[number] {
  return {
    tail: ids.get(from) ?? "",
    // An arrow to a frame leads to a box in its middle, and ends at the frame.
    head: ids.get(to[Math.floor((to.length - 1) / 2)] ?? "") ?? "",
    attributes: {
      id: String(index),
      label: properties.flatMap(linesOf).join("\n"),
      ...(frame === undefined ? {} : { lhead: ids.get(frame) ?? "" }),
    },
  };
}

/** Text as Graphviz has to measure it. */
function html(bold: readonly string[], plain: readonly string[]): string {
  const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return [
    ...bold.map((text) => `<B>${escaped(text)}</B>`),
    ...plain.map((text) => `<FONT POINT-SIZE="${textSize}">${escaped(text)}</FONT>`),
  ].join("<BR/>");
}

type Pair = readonly [number, number];

/** What Graphviz writes, as far as it is read here. Source: https://graphviz.org/docs/outputs/json/ */
interface GraphvizOutput {
  /** Left, bottom, right and top, such as `0,0,904,652`. */
  readonly bb: string;
  readonly objects?: readonly {
    readonly name: string;
    /** Of a frame. */
    readonly bb?: string;
    /** Middle of a box, such as `43,34`. */
    readonly pos?: string;
    /** In inches, of 72 points each. */
    readonly width?: string;
    readonly height?: string;
  }[];
  readonly edges?: readonly {
    readonly id: string;
    readonly _draw_: readonly { readonly op: string; readonly points?: readonly Pair[] }[];
    readonly _hdraw_: readonly { readonly op: string; readonly points?: readonly Pair[] }[];
    /** Lines of the label, with their widths. */
    readonly _ldraw_?: readonly { readonly op: string; readonly width?: number }[];
    /** Middle of the label. */
    readonly lp?: string;
  }[];
}

function readLayout({ bb, objects = [], edges = [] }: GraphvizOutput, ids: Ids): Layout {
  const [left = 0, bottom = 0, right = 0, top = 0] = numbers(bb);
  // Graphviz counts from the bottom up.
  const point = ([x = 0, y = 0]: readonly number[]): Point => ({ x: x - left, y: top - y });
  const area = ({ bb: box, pos = "", width, height }: (typeof objects)[number]): Area => {
    if (box !== undefined) {
      const [west = 0, south = 0, east = 0, north = 0] = numbers(box);
      return { ...point([west, north]), width: east - west, height: north - south };
    }
    const size = { width: Number(width) * 72, height: Number(height) * 72 };
    const middle = point(numbers(pos));
    return { x: middle.x - size.width / 2, y: middle.y - size.height / 2, ...size };
  };
  const byName = new Map(objects.map((object) => [object.name, area(object)]));
  const courses = edges
    .toSorted((a, b) => Number(a.id) - Number(b.id))
    .map(({ _draw_, _hdraw_, _ldraw_ = [], lp }) => {
      const curve = (_draw_.find(({ op }) => op === "b")?.points ?? []).map(point);
      const head = (_hdraw_.find(({ op }) => op === "P")?.points ?? []).map(point);
      const labelWidth = Math.max(..._ldraw_.map(({ width = 0 }) => width));
      return { curve, head, label: lp === undefined ? undefined : beside(curve, point(numbers(lp)), labelWidth) };
    });
  const areas = Array.from(ids).flatMap(([id, name]) => {
    const found = byName.get(name);
    return found === undefined ? [] : [[id, found] as const];
  });
  return { width: right - left, height: top - bottom, areas: new Map(areas), courses };
}

function numbers(text: string): number[] {
  return text.split(",").map(Number);
}

/** Steps that a curve is looked at in. */
const steps = 24;
/** Between a line and its label. */
const gap = 3;

/** Moves the middle of a label next to its line: Graphviz keeps room for it, but may lead the line past elsewhere. */
function beside(curve: readonly Point[], { x, y }: Point, width: number): Point {
  const onLine = Array.from({ length: Math.max(0, (curve.length - 1) / 3) }, (_, index) =>
    Array.from({ length: steps + 1 }, (_, step) => bezier(curve.slice(3 * index, 3 * index + 4), step / steps)),
  ).flat();
  // At the same height, since a label may only be moved sideways without meeting what is above or below.
  const distance = (point: Point) => Math.hypot(point.x - x, 4 * (point.y - y));
  const line = onLine.toSorted((a, b) => distance(a) - distance(b))[0]?.x ?? x;
  return { x: line + Math.sign(x - line) * (width / 2 + gap), y };
}

/** The point of a cubic Bézier curve at a share of its course. */
function bezier(points: readonly Point[], share: number): Point {
  const weights = [(1 - share) ** 3, 3 * share * (1 - share) ** 2, 3 * share ** 2 * (1 - share), share ** 3];
  const sum = (coordinate: "x" | "y") =>
    points.reduce((total, point, index) => total + point[coordinate] * (weights[index] ?? 0), 0);
  return { x: sum("x"), y: sum("y") };
}
