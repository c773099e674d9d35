/** Contents of a note. */
export interface PreviewNote {
  readonly stack: string;
  /** What `pulumi preview --diff` has printed. */
  readonly preview: string;
  /** The preview ended with an error. */
  readonly failed: boolean;
  /** Where the artifacts are. */
  readonly pipelineUrl: string | undefined;
}

/** GitLab accepts notes of up to 1,000,000 characters, but longer ones than this are not readable. */
const longestPreview = 60_000;

/** @returns what a stack's note begins with; hidden, so that later pipelines find it */
export function noteMarker(stack: string): string {
  return `<!-- pulumi preview: ${stack} -->`;
}

/** @returns the note's text, as Markdown */
export function noteBody({ stack, preview, failed, pipelineUrl }: PreviewNote): string {
  const text = preview.trimEnd();
  const shown = text.length > longestPreview ? `${text.slice(0, longestPreview)}\n… (cut off)` : text;
  // Longer than any fence in the text, which would end the block.
  const fence = "`".repeat(Math.max(3, ...(shown.match(/`+/g) ?? []).map(({ length }) => length + 1)));
  const more = pipelineUrl === undefined ? "the pipeline's artifacts" : `[the pipeline](${pipelineUrl})'s artifacts`;
  return [
    noteMarker(stack),
    `### Pulumi preview of \`${stack}\`: ${failed ? "failed" : summary(text)}`,
    "",
    "<details><summary>What would change</summary>",
    "",
    `${fence}diff`,
    shown,
    fence,
    "",
    "</details>",
    "",
    `The manifests that this would apply are in ${more}, in \`rendered/${stack}\`.`,
  ].join("\n");
}

/** @returns the last lines of a preview in one: `+ 1 to create, ~ 2 to update` */
function summary(preview: string): string {
  const counts = [...preview.matchAll(/^ *([-+~]+ *\d+ to \w+|[-+~]+ *\d+ to replace)$/gm)].map(([, count = ""]) =>
    count.trim().replace(/\s+/g, " "),
  );
  return counts.length === 0 ? "no changes" : counts.join(", ");
}
