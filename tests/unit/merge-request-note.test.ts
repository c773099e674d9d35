import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Gitlab } from "@gitbeaker/rest";
import { execa } from "execa";
import { startGitLabEmulator, type GitLabEmulator } from "../../sandbox/gitlab/emulator.ts";
import { noteMarker } from "../../tools/preview-note.ts";
import { repository } from "../../tools/repository.ts";

const project = 1;
const mergeRequest = 7;
const tokens = { pipeline: "glpat-pipeline-0123456789", someone: "glpat-someone-01234567890" };

describe("the note on a merge request", { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "gitlab-runner-note-"));
  let gitlab: GitLabEmulator;

  before(async () => {
    gitlab = await startGitLabEmulator({
      seed: {
        controlToken: "control-token",
        // Each may change everybody's notes, as a maintainer may.
        accessTokens: Object.entries(tokens).map(([username, token]) => ({ token, username, scopes: ["api"] })),
        projects: [{ id: project, path: "homelab/infrastructure" }],
        groups: [],
      },
    });
  });
  after(async () => {
    await gitlab.close();
    rmSync(folder, { recursive: true });
  });

  const notesOf = (token: string) => new Gitlab({ host: gitlab.url, token }).MergeRequestNotes;
  const bodies = async () =>
    (await notesOf(tokens.someone).all(project, mergeRequest)).map(({ author, body }) => ({
      author: author.username,
      body,
    }));

  async function writeNote(preview: string, environment: Readonly<Record<string, string>> = {}): Promise<string> {
    const file = join(folder, "preview.txt");
    writeFileSync(file, preview);
    const tool = join(repository, "tools/merge-request-note.ts");
    const { all } = await execa(process.execPath, [tool, "--stack", "homelab", "--preview", file], {
      all: true,
      env: {
        NOTE_TOKEN: tokens.pipeline,
        CI_PROJECT_ID: String(project),
        CI_MERGE_REQUEST_IID: String(mergeRequest),
        CI_API_V4_URL: `${gitlab.url}/api/v4`,
        ...environment,
      },
    });
    return all;
  }

  test("is the token's own: one of someone else that looks like it is left alone", async () => {
    const planted = `${noteMarker("homelab")}\nsomething else`;
    await notesOf(tokens.someone).create(project, mergeRequest, planted);
    assert.match(await writeNote("first"), /^Wrote the note on stack homelab in merge request !7\.$/);
    assert.match(await writeNote("second"), /^Updated the note /);
    const [own, others, ...more] = await bodies();
    assert.deepEqual(others, { author: "someone", body: planted });
    assert.equal(own?.author, "pipeline");
    assert.match(own.body, /```diff\nsecond\n```/);
    assert.deepEqual(more, []);
  });

  test("has no secret of the job's", async () => {
    await writeNote("a long-password, a glpat-abcdefghij0123456789", { MINIO_PASSWORD: "long-password" });
    const [own] = await bodies();
    assert.match(own?.body ?? "", /```diff\na \[secret\], a \[secret\]\n```/);
  });

  test("that cannot be written is a message, in which the token is not", async () => {
    const said = await writeNote("text", { NOTE_TOKEN: "glpat-unknown-0123456789" });
    assert.match(said, /^The note could not be written: HTTP 401: .+$/);
    assert.doesNotMatch(said, /glpat/);
  });
});
