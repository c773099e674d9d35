import { readFileSync } from "node:fs";
import { Command } from "commander";
import { describeError } from "./clients/describe-error.ts";
import { GitLabApi } from "./clients/gitlab.ts";
import { noteBody, noteMarker } from "./preview-note.ts";
import { redactor } from "./redactor.ts";

/** Writes what a merge request would change into a note on it, one per stack, which later pipelines update. */
const program = new Command("merge-request-note")
  .description("shows the preview of a stack in a note on the merge request, in GitLab CI/CD")
  .requiredOption("--stack <name>", "stack that the preview is of")
  .requiredOption("--preview <file>", "what `pulumi preview --diff` has printed")
  .option("--failed <code>", "exit code of the preview", "0")
  .action(async ({ stack, preview, failed }: { stack: string; preview: string; failed: string }) => {
    const { NOTE_TOKEN: token, CI_PROJECT_ID: project, CI_MERGE_REQUEST_IID: iid } = process.env;
    if (!token || !project || !iid) {
      console.log(
        `No note: ${token ? "this is not a merge request pipeline" : "NOTE_TOKEN is not set (a project access token with the scope api)"}.`,
      );
      return;
    }
    const body = noteBody({
      stack,
      preview: readFileSync(preview, "utf8"),
      failed: failed !== "0",
      pipelineUrl: process.env["CI_PIPELINE_URL"],
    });
    const gitlab = new GitLabApi(process.env["CI_API_V4_URL"] ?? "https://gitlab.com/api/v4", token);
    const updated = await gitlab.writeNote(project, Number(iid), noteMarker(stack), redactor(process.env)(body));
    console.log(`${updated ? "Updated" : "Wrote"} the note on stack ${stack} in merge request !${iid}.`);
  });

await program.parseAsync().catch((error: unknown) => {
  // The preview is what counts; a note that cannot be written must not hide it.
  console.error(`The note could not be written: ${describeError(error)}`);
});
