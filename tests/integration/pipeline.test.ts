import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { execa } from "execa";
import { parse, parseDocument, stringify } from "yaml";
import { gitlabUrl, sandboxEnvironment, stackConfigFile } from "../../sandbox/environment.ts";
import { repository } from "../../sandbox/pulumi-home.ts";
import { SandboxFolder } from "../../sandbox/state.ts";
import { copyCheckout } from "./checkout.ts";
import { requiredProgram } from "./required-program.ts";
import { SandboxUnderTest } from "./sandbox-under-test.ts";

const project = 75488734;
const mergeRequest = 7;

describe("the pipeline of this project, run by gitlab-ci-local against the sandbox", { timeout: 15 * 60_000 }, () => {
  const sandbox = new SandboxUnderTest();
  const checkout = mkdtempSync(join(tmpdir(), "gitlab-runner-pipeline-"));
  const stackFile = join(checkout, "Pulumi.homelab.yaml");
  const git = (...args: string[]) =>
    execa("git", ["-c", "user.name=test", "-c", "user.email=test@example.com", ...args], { cwd: checkout });

  before(async () => {
    // gitlab-ci-local copies with it.
    await requiredProgram("rsync");
    const { all, exitCode } = await sandbox.command("up");
    assert.equal(exitCode, 0, all);
    await copyCheckout(checkout);
    const environment = sandboxEnvironment(new SandboxFolder(sandbox.path), sandbox.state);
    delete environment["PULUMI_STACK"];
    delete environment["PULUMI_OPTION_CONFIG_FILE"];
    // Where GitLab has CI/CD variables, gitlab-ci-local has a file.
    const variables = Object.entries(environment)
      .filter(([name]) => /^(PULUMI_|GITLAB_|MINIO_|KUBE|PATH$)/.test(name))
      // Said outright, since it takes what looks like a path for a variable of type File.
      .map(([name, value]) => [name, { type: "variable", values: { "*": value } }]);
    writeFileSync(
      join(checkout, ".gitlab-ci-local-variables.yml"),
      stringify({
        ...(Object.fromEntries(variables) as object),
        NOTE_TOKEN: sandbox.state.secrets["gitlabToken"],
        CI_SERVER_URL: gitlabUrl(sandbox.state),
        CI_PROJECT_ID: String(project),
        CI_PIPELINE_SOURCE: "merge_request_event",
        CI_MERGE_REQUEST_IID: String(mergeRequest),
      }),
      { mode: 0o600 },
    );
    await execa("pulumi", ["stack", "init", "homelab", "--non-interactive"], {
      cwd: checkout,
      env: environment,
      extendEnv: false,
    });
    const file = parseDocument(readFileSync(stackFile, "utf8"));
    const { config } = parse(readFileSync(stackConfigFile(new SandboxFolder(sandbox.path)), "utf8")) as {
      config: Record<string, unknown>;
    };
    file.set("config", { ...config, "gitlab-runner:namespace": "previewed" });
    writeFileSync(stackFile, file.toString());
    await git("init", "--quiet", "--initial-branch", "main");
    await git("remote", "add", "origin", "git@gitlab.example.com:homelab/infrastructure.git");
    await git("add", ".");
    await git("commit", "--quiet", "--message", "as it is");
  });
  after(async () => {
    await sandbox.remove();
    rmSync(checkout, { recursive: true, force: true });
  });

  /** Runs gitlab-ci-local in the checkout. */
  async function pipeline(...args: string[]): Promise<{ all: string; exitCode: number | undefined }> {
    const program = join(repository, "node_modules/.bin/gitlab-ci-local");
    const flags = ["--force-shell-executor", "--no-evaluate-rule-changes", "--no-color"];
    const { all, exitCode } = await execa(program, [...flags, ...args], {
      cwd: checkout,
      // npm's, which the job would pass on: paths start where npm was called.
      env: { ...process.env, INIT_CWD: undefined },
      extendEnv: false,
      all: true,
      reject: false,
      stdin: "ignore",
      timeout: 5 * 60_000,
    });
    return { all, exitCode };
  }

  async function notes(): Promise<string[]> {
    const found = await sandbox.gitlab.MergeRequestNotes.all(project, mergeRequest);
    return found.map(({ body }) => body);
  }

  test("is valid, and has the jobs that each kind of pipeline is for", async () => {
    const jobs = async (...variables: string[]) => {
      const { all, exitCode } = await pipeline("--list-csv", ...variables.flatMap((one) => ["--variable", one]));
      assert.equal(exitCode, 0, all);
      return [...all.matchAll(/^([a-z ]+);.*;(on_success|manual);/gm)].map(
        ([, name = "", when = ""]) => `${name}: ${when}`,
      );
    };
    // In GitLab, a pipeline of a merge request has no CI_COMMIT_BRANCH.
    assert.deepEqual(await jobs("CI_PIPELINE_SOURCE=merge_request_event", "CI_COMMIT_BRANCH=feature"), [
      "types and lint: on_success",
      "preview homelab: on_success",
    ]);
    assert.deepEqual(await jobs("CI_PIPELINE_SOURCE=push", "CI_COMMIT_BRANCH=main", "CI_DEFAULT_BRANCH=main"), [
      "types and lint: on_success",
      "deploy homelab: manual",
    ]);
    assert.deepEqual(await jobs("CI_PIPELINE_SOURCE=schedule"), ["drift homelab: on_success"]);
  });

  test("previews a merge request, keeps diff and manifests, and tells it in one note, which it updates", async () => {
    const first = await pipeline("preview homelab");
    assert.equal(first.exitCode, 0, first.all);
    assert.match(first.all, /Wrote the note on stack homelab in merge request !7/);
    const [note = "", ...others] = await notes();
    assert.deepEqual(others, []);
    assert.match(note, /### Pulumi preview of `homelab`: \+ \d+ to create\n/);
    assert.match(note, /gitlab:index\/userRunner:UserRunner: \(create\)/);

    // It brings the artifacts back to where the pipeline was started.
    assert.match(readFileSync(join(checkout, "preview-homelab.txt"), "utf8"), /"previewed"/);
    const release = readFileSync(join(checkout, "rendered/homelab/helm-values.yaml"), "utf8");
    assert.match(release, /concurrent: 4/);
    for (const secret of Object.values(sandbox.state.secrets).filter((value) => value.length > 20)) {
      assert.ok(![note, first.all, release].some((text) => text.includes(secret)), "a secret is in plain sight");
    }

    const file = parseDocument(readFileSync(stackFile, "utf8"));
    file.setIn(["config", "gitlab-runner:tags"], ["kubernetes", "gpu"]);
    writeFileSync(stackFile, file.toString());
    const second = await pipeline("preview homelab");
    assert.equal(second.exitCode, 0, second.all);
    assert.match(second.all, /Updated the note/);
    const [updated = "", ...more] = await notes();
    assert.deepEqual(more, []);
    assert.match(updated, /"gpu"/);
  });

  test("fails with the preview, and says in the note what is wrong", async () => {
    const file = parseDocument(readFileSync(stackFile, "utf8"));
    file.setIn(["config", "gitlab-runner:manager"], { replicas: 0 });
    writeFileSync(stackFile, file.toString());
    const { all, exitCode } = await pipeline("preview homelab");
    assert.notEqual(exitCode, 0, all);
    const [note = ""] = await notes();
    assert.match(note, /homelab`: failed\n[^]*manager\.replicas: must be at least 1, but is 0/);
  });
});
