import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { execa } from "execa";
import { Hono } from "hono";
import { parse, parseDocument, stringify } from "yaml";
import { gitlabUrl, sandboxEnvironment, stackConfigFile } from "../../sandbox/environment.ts";
import { managerOf } from "../../sandbox/deployed-manager.ts";
import { EmulatorControl } from "../../sandbox/gitlab/control.ts";
import { runCiJob } from "../../sandbox/run-ci-job.ts";
import { serveOnLoopback, type LoopbackServer } from "../../tools/loopback-server.ts";
import { SandboxFolder } from "../../sandbox/sandbox-folder.ts";
import { repository } from "../../tools/repository.ts";
import { copyCheckout } from "./checkout.ts";
import { readGuide } from "./guides/guide.ts";
import { linkImagePrograms } from "./image-programs.ts";
import { requiredProgram } from "./required-program.ts";
import { SandboxUnderTest } from "./sandbox-under-test.ts";
import { filesIn } from "./secrets-places.ts";
import { SecretSearch } from "./secrets-search.ts";
import { assertDocumented } from "./security-page.ts";

const project = 75488734;
const mergeRequest = 7;
const namespace = "previewed";

interface Artifacts {
  readonly access?: string;
  readonly expire_in?: string;
  readonly expose_as: string;
  readonly paths: readonly string[];
}

/** Values of a CI/CD variable, by the environments that they are for. */
type Values = Readonly<Record<string, string>>;

/** `.gitlab-ci.yml`, as far as this test looks at it. */
interface Pipeline {
  readonly default: { readonly image: string };
  readonly ".preview": {
    readonly variables: Readonly<Record<string, string>>;
    readonly artifacts: Artifacts;
  };
  readonly [keyword: string]: unknown;
}

const definition = parse(readFileSync(join(repository, ".gitlab-ci.yml"), "utf8"), { merge: true }) as Pipeline;

describe("the pipeline of this project, run by gitlab-ci-local against the sandbox", { timeout: 15 * 60_000 }, () => {
  const sandbox = new SandboxUnderTest();
  const scratch = mkdtempSync(join(tmpdir(), "gitlab-runner-pipeline-"));
  const checkout = join(scratch, "checkout");
  const stackFile = join(checkout, "Pulumi.homelab.yaml");
  const variablesFile = join(checkout, ".gitlab-ci-local-variables.yml");
  /** Of whoever deploys. */
  let environment: Record<string, string>;
  /** CI/CD variables of all jobs. */
  let common: Record<string, string>;
  let helmDownloads: LoopbackServer | undefined;
  const accessTokens: Record<string, string> = {};
  /** What jobs have left, by the place. */
  const left = {
    "the pipeline's logs": "",
    "preview.txt, an artifact": "",
    "rendered/, an artifact": "",
    "the note on a merge request": "",
  };
  const git = (...args: string[]) =>
    execa("git", ["-c", "user.name=test", "-c", "user.email=test@example.com", ...args], { cwd: checkout });

  before(async () => {
    // gitlab-ci-local copies with it.
    await requiredProgram("rsync");
    const { all, exitCode } = await sandbox.command("up");
    assert.equal(exitCode, 0, all);
    mkdirSync(checkout);
    await copyCheckout(checkout);
    environment = {
      ...sandboxEnvironment(new SandboxFolder(sandbox.path), sandbox.state),
      HOME: scratch,
      PULUMI_BACKEND_URL:
        `s3://pulumi-state?endpoint=http://${sandbox.minio}&s3ForcePathStyle=true&region=us-east-1` +
        "&response_checksum_validation=when_required",
      AWS_ACCESS_KEY_ID: sandbox.state.secrets["minioUser"] ?? "",
      AWS_SECRET_ACCESS_KEY: sandbox.state.secrets["minioPassword"] ?? "",
      PULUMI_STACK: "homelab",
    };
    environment["MC_HOST_homelab"] = environment["MC_HOST_minio"] ?? "";
    delete environment["PULUMI_OPTION_CONFIG_FILE"];
    const image = join(scratch, "image");
    linkImagePrograms(image, definition.default.image, { node: process.execPath, pulumi: pulumiWithTools() });
    const archive = await helmArchive();
    helmDownloads = await serveOnLoopback(
      new Hono().get(`/${archive.name}`, (context) => context.body(new Uint8Array(archive.content))),
    );
    await sandbox.exec("mc", "mb", "minio/pulumi-state");
    await follow("Keys that read the state");
    await follow("Accounts in the cluster");
    common = {
      ...Object.fromEntries(Object.entries(environment).filter(([name]) => /^(PULUMI_(?!STACK)|HELM_)/.test(name))),
      PATH: image,
      // Where the sandbox's own tools are otherwise, Helm among them.
      XDG_CACHE_HOME: join(scratch, "cache"),
      HELM_DOWNLOADS: helmDownloads.url,
      HELM_CHECKSUMS: `${createHash("sha256").update(archive.content).digest("hex")}  ${archive.name}`,
      CI_API_V4_URL: `${gitlabUrl(sandbox.state)}/api/v4`,
      CI_PROJECT_ID: String(project),
      CI_PIPELINE_SOURCE: "merge_request_event",
      CI_MERGE_REQUEST_IID: String(mergeRequest),
      CI_MERGE_REQUEST_PROJECT_ID: String(project),
      CI_MERGE_REQUEST_SOURCE_PROJECT_ID: String(project),
      CI_MERGE_REQUEST_SOURCE_BRANCH_PROTECTED: "true",
      CI_MERGE_REQUEST_TARGET_BRANCH_PROTECTED: "true",
    };
    await setVariables();
    await run("pulumi", "stack", "init", "homelab", "--non-interactive");
    const file = parseDocument(readFileSync(stackFile, "utf8"));
    const { config } = parse(readFileSync(stackConfigFile(new SandboxFolder(sandbox.path)), "utf8")) as {
      config: Record<string, unknown>;
    };
    // Beside the sandbox's own stack.
    const cache = { ...(config["gitlab-runner:cache"] as object), bucket: "previewed-cache" };
    file.set("config", { ...config, "gitlab-runner:namespace": namespace, "gitlab-runner:cache": cache });
    writeFileSync(stackFile, file.toString());
    await git("init", "--quiet", "--initial-branch", "main");
    await git("remote", "add", "origin", "git@gitlab.example.com:homelab/infrastructure.git");
    await git("add", ".");
    await git("commit", "--quiet", "--message", "as it is");
  });
  after(async () => {
    await helmDownloads?.stop();
    await sandbox.remove();
    rmSync(scratch, { recursive: true, force: true });
  });

  /** Runs a command in the checkout as whoever deploys. */
  async function run(program: string, ...args: string[]): Promise<string> {
    return (await execa(program, args, { cwd: checkout, env: environment, extendEnv: false })).stdout;
  }

  /** Runs the commands of a section of the guide, as they stand there. */
  async function follow(section: string): Promise<void> {
    const steps = readGuide("docs/pipeline.md").steps.filter((step) => step.section === section);
    assert.notEqual(steps.length, 0, section);
    for (const { commands } of steps) {
      await run("bash", "-ec", commands);
    }
  }

  /** Writes the file that gitlab-ci-local has where GitLab has CI/CD variables. */
  async function setVariables(): Promise<void> {
    const forAll = Object.entries(common).map(([name, value]): [string, Values] => [name, { "*": value }]);
    const variables = [...forAll, ...Object.entries(await credentials())];
    // The type said outright, since what looks like a path is taken for a variable of type File.
    const file = Object.fromEntries(variables.map(([name, values]) => [name, { type: "variable", values }]));
    writeFileSync(variablesFile, stringify(file), { mode: 0o600 });
  }

  /** Credentials for each kind of job, as the guide has them, by variable and environment. */
  async function credentials(): Promise<Readonly<Record<string, Values>>> {
    const keysOf = (user: string) => {
      const file = join(scratch, ".config", user);
      return existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
    };
    const deploys = (name: string) => ({ homelab: environment[name] ?? "" });
    const reads = (value: string) => ({ "drift/homelab": value, "preview/homelab": value });
    const [readerId = "", readerKey = ""] = keysOf("pulumi-reader");
    const [driftUser = "", driftPassword = ""] = keysOf("pulumi-drift");
    return {
      AWS_ACCESS_KEY_ID: { ...deploys("AWS_ACCESS_KEY_ID"), ...reads(readerId) },
      AWS_SECRET_ACCESS_KEY: { ...deploys("AWS_SECRET_ACCESS_KEY"), ...reads(readerKey) },
      KUBECONFIG: {
        ...deploys("KUBECONFIG"),
        "drift/homelab": join(scratch, ".kube/drift"),
        "preview/homelab": join(scratch, ".kube/preview"),
      },
      GITLAB_TOKEN: {
        ...deploys("GITLAB_TOKEN"),
        "drift/homelab": await accessToken("drift", "read_api"),
        "preview/homelab": await accessToken("preview", "read_api"),
      },
      MINIO_USER: { ...deploys("MINIO_USER"), "drift/homelab": driftUser },
      MINIO_PASSWORD: { ...deploys("MINIO_PASSWORD"), "drift/homelab": driftPassword },
      NOTE_TOKEN: { "preview/homelab": await accessToken("note", "api") },
    };
  }

  /** The credentials of one kind of job. */
  async function credentialsOf(kind: "preview" | "drift"): Promise<Record<string, string>> {
    const all = Object.entries(await credentials());
    return Object.fromEntries(all.map(([name, values]) => [name, values[`${kind}/homelab`] ?? ""]));
  }

  /** A new access token of a user of its own. */
  async function accessToken(username: string, scope: string): Promise<string> {
    const control = new EmulatorControl(gitlabUrl(sandbox.state), sandbox.state.secrets["emulatorToken"] ?? "");
    const token = `glpat-${randomBytes(10).toString("hex")}`;
    await control.addAccessToken({ token, username, scopes: [scope] });
    accessTokens[`access token ${Object.keys(accessTokens).length} of ${username}`] = token;
    return token;
  }

  /** Pulumi, whose stand-in for the MinIO provider works with `mc`, as the provider itself does not. */
  function pulumiWithTools(): string {
    const tools = join(scratch, "tools");
    mkdirSync(tools);
    symlinkSync(join(sandbox.path, "bin", "mc"), join(tools, "mc"));
    const program = join(scratch, "pulumi");
    const script = `#!/bin/sh\nPATH="$PATH:${tools}" exec '${join(sandbox.path, "bin", "pulumi")}' "$@"\n`;
    writeFileSync(program, script, { mode: 0o755 });
    return program;
  }

  /** What get.helm.sh has: an archive with Helm in a folder of the platform's name. This one's starts the sandbox's. */
  async function helmArchive(): Promise<{ readonly name: string; readonly content: Buffer }> {
    const architecture = process.arch === "x64" ? "amd64" : process.arch;
    const folder = join(scratch, "helm", `linux-${architecture}`);
    mkdirSync(folder, { recursive: true });
    const program = `#!/bin/sh\nexec '${join(sandbox.path, "bin", "helm")}' "$@"\n`;
    writeFileSync(join(folder, "helm"), program, { mode: 0o755 });
    const name = `helm-v${definition[".preview"].variables["HELM_VERSION"] ?? ""}-linux-${architecture}.tar.gz`;
    const archive = join(scratch, "helm", name);
    await execa("tar", ["--create", "--gzip", "--file", archive, `linux-${architecture}`], { cwd: join(folder, "..") });
    return { name, content: readFileSync(archive) };
  }

  /** Runs gitlab-ci-local in the checkout. */
  async function pipeline(...args: string[]): Promise<{ all: string; exitCode: number | undefined }> {
    const program = join(repository, "node_modules/.bin/gitlab-ci-local");
    // Its copies of the checkout are not for the job that checks all files.
    const flags = ["--force-shell-executor", "--no-evaluate-rule-changes", "--no-color", "--state-dir", "../state"];
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
    const [preview, rendered] = [join(checkout, "preview.txt"), join(checkout, "rendered")];
    left["the pipeline's logs"] += all;
    left["preview.txt, an artifact"] += existsSync(preview) ? readFileSync(preview, "utf8") : "";
    left["rendered/, an artifact"] += existsSync(rendered) ? filesIn(rendered) : "";
    return { all, exitCode };
  }

  async function notes(): Promise<string[]> {
    const found = await sandbox.gitlab.MergeRequestNotes.all(project, mergeRequest);
    left["the note on a merge request"] += found.map(({ body }) => body).join("\n");
    return found.map(({ body }) => body);
  }

  /** A variable of a job, in place of the file's. */
  function variable(name: string, value: string): string[] {
    return ["--variable", `${name}=${value}`];
  }

  /** Once its packages are there, `npm ci` need not install them again for each job. */
  const installed = variable("npm_config_dry_run", "true");
  const onDefaultBranch = [
    ...variable("CI_PIPELINE_SOURCE", "push"),
    ...variable("CI_COMMIT_BRANCH", "main"),
    ...variable("CI_DEFAULT_BRANCH", "main"),
  ];
  const onSchedule = variable("CI_PIPELINE_SOURCE", "schedule");

  test("is valid, and has the jobs that each kind of pipeline is for", async () => {
    const jobs = async (...variables: string[]) => {
      const { all, exitCode } = await pipeline("--list-csv", ...variables);
      assert.equal(exitCode, 0, all);
      return [...all.matchAll(/^([a-z ]+);.*;(on_success|manual);/gm)].map(
        ([, name = "", when = ""]) => `${name}: ${when}`,
      );
    };
    // In GitLab, a pipeline of a merge request has no CI_COMMIT_BRANCH.
    assert.deepEqual(await jobs(...variable("CI_COMMIT_BRANCH", "feature")), [
      "types and lint: on_success",
      "preview homelab: on_success",
    ]);
    assert.deepEqual(await jobs(...onDefaultBranch), ["types and lint: on_success", "deploy homelab: manual"]);
    assert.deepEqual(await jobs(...onSchedule), ["drift homelab: on_success"]);
  });

  test("previews only where GitLab has protected variables, unless said otherwise, and never for a fork", async () => {
    const isPreviewed = async (...variables: string[]) => {
      const { all, exitCode } = await pipeline("--list-csv", ...variables);
      assert.equal(exitCode, 0, all);
      return /^preview homelab;/m.test(all);
    };
    const unprotected = (branch: string) => variable(`CI_MERGE_REQUEST_${branch}_BRANCH_PROTECTED`, "false");
    const otherwise = variable("PREVIEW_UNPROTECTED", "true");
    const fork = variable("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "1");
    assert.ok(await isPreviewed());
    assert.ok(!(await isPreviewed(...unprotected("SOURCE"))));
    assert.ok(!(await isPreviewed(...unprotected("TARGET"))));
    assert.ok(await isPreviewed(...unprotected("SOURCE"), ...otherwise));
    assert.ok(!(await isPreviewed(...fork)));
    assert.ok(!(await isPreviewed(...fork, ...otherwise)));
  });

  test("stores nothing that is open to all, or for ever", () => {
    const stored = Object.values(definition).flatMap((job) => (job as { artifacts?: Artifacts }).artifacts ?? []);
    assert.deepEqual(
      stored.map(({ access, expire_in: end }) => ({ access, end })),
      [{ access: "developer", end: "1 week" }],
    );
  });

  test("shows its artifacts in the merge request, as GitLab's rules for that are", () => {
    // https://docs.gitlab.com/ci/yaml/#artifactsexpose_as
    const { expose_as: link, paths } = definition[".preview"].artifacts;
    assert.match(link, /^[\w -]+$/);
    assert.deepEqual(paths, ["preview.txt", "rendered/"]);
    assert.ok(paths.every((path) => !/[$*]|^\.\//.test(path)));
  });

  test("runs all its jobs in the image whose programs it is tested with", () => {
    const own = Object.entries(definition).filter(
      ([name, value]) => name !== "default" && Object.hasOwn(value as object, "image"),
    );
    assert.deepEqual(own, []);
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
    assert.match(readFileSync(join(checkout, "preview.txt"), "utf8"), new RegExp(`"${namespace}"`));
    const release = readFileSync(join(checkout, "rendered/homelab/helm-values.yaml"), "utf8");
    assert.match(release, /concurrent: 4/);

    const file = parseDocument(readFileSync(stackFile, "utf8"));
    file.setIn(["config", "gitlab-runner:tags"], ["kubernetes", "gpu"]);
    writeFileSync(stackFile, file.toString());
    const second = await pipeline(...installed, "preview homelab");
    assert.equal(second.exitCode, 0, second.all);
    assert.match(second.all, /Updated the note/);
    const [updated = "", ...more] = await notes();
    assert.deepEqual(more, []);
    assert.match(updated, /"gpu"/);
  });

  test("stores no secret of the job's, wherever a merge request puts it", async () => {
    const before = readFileSync(stackFile);
    const file = parseDocument(before.toString());
    const secret = sandbox.state.secrets["passphrase"] ?? "";
    file.setIn(["config", "gitlab-runner:description"], `planted ${secret}`);
    file.setIn(["config", "gitlab-runner:chart", "values", "planted"], Buffer.from(secret).toString("base64"));
    writeFileSync(stackFile, file.toString());
    const { all, exitCode } = await pipeline(...installed, "preview homelab");
    writeFileSync(stackFile, before);
    assert.equal(exitCode, 0, all);
    const [note = ""] = await notes();
    const stored = ["preview.txt", "rendered/homelab/gitlab.yaml", "rendered/homelab/helm-values.yaml"];
    const texts = [note, ...stored.map((path) => readFileSync(join(checkout, path), "utf8"))];
    for (const text of texts) {
      assert.match(text, /planted:? "?\[secret\]/);
      assert.ok(!text.includes(secret) && !text.includes(Buffer.from(secret).toString("base64")));
    }
  });

  test("starts no Helm that is not the one whose checksum it knows", async () => {
    rmSync(join(checkout, "rendered"), { recursive: true });
    const pinned = definition[".preview"].variables["HELM_CHECKSUMS"] ?? "";
    assert.match(
      pinned,
      /^[0-9a-f]{64} {2}helm-v[\d.]+-linux-amd64\.tar\.gz\n[0-9a-f]{64} {2}helm-v[\d.]+-linux-arm64\.tar\.gz$/,
    );
    const { all, exitCode } = await pipeline(...installed, ...variable("HELM_CHECKSUMS", pinned), "preview homelab");
    assert.notEqual(exitCode, 0, all);
    assert.match(all, /helm-v[\d.]+-linux-\w+\.tar\.gz: FAILED/);
    assert.ok(!existsSync(join(checkout, "rendered")), all);
  });

  test("fails with the preview, and says in the note what is wrong", async () => {
    const file = parseDocument(readFileSync(stackFile, "utf8"));
    file.setIn(["config", "gitlab-runner:manager", "replicas"], 0);
    const before = readFileSync(stackFile);
    writeFileSync(stackFile, file.toString());
    const { all, exitCode } = await pipeline(...installed, "preview homelab");
    writeFileSync(stackFile, before);
    assert.notEqual(exitCode, 0, all);
    const [note = ""] = await notes();
    assert.match(note, /homelab`: failed\n[^]*manager\.replicas: must be at least 1, but is 0/);
  });

  test("deploys on the default branch", async () => {
    const { all, exitCode } = await pipeline(...installed, ...onDefaultBranch, "deploy homelab");
    assert.equal(exitCode, 0, all);
    assert.match(all, /Resources:[^]* \+ \d+ created/);
    assert.doesNotMatch(all, /errored/);
    assert.match(all, /namespace +previewed/);
    await sandbox.exec("kubectl", "--namespace", namespace, "get", "deployment", "gitlab-runner");
  });

  test("finds on a schedule that nothing has changed, and that all is well", async () => {
    await follow("What drift detection reads");
    await setVariables();
    await helloJob();
    const { all, exitCode } = await pipeline(...installed, ...onSchedule, "drift homelab");
    assert.equal(exitCode, 0, all);
    assert.match(all, /Stack homelab: \d+ ok/);
  });

  test("finds on a schedule what Pulumi sees, and what the doctor alone sees, each without the other", async () => {
    const drift = () => pipeline(...installed, ...onSchedule, "drift homelab");
    const manager = ["--namespace", namespace, "deployment", "gitlab-runner"];
    await sandbox.exec("kubectl", "scale", ...manager, "--replicas", "0");
    const scaled = await drift();
    assert.notEqual(scaled.exitCode, 0, scaled.all);
    assert.match(scaled.all, /The Deployment gitlab-runner is scaled to 0/);
    assert.doesNotMatch(scaled.all, /no changes were expected/);
    await sandbox.exec("kubectl", "scale", ...manager, "--replicas", "1");

    const { runnerId } = await outputs();
    const description = "changed by hand";
    await sandbox.gitlab.Runners.edit(Number(runnerId), { description });
    const changed = await drift();
    assert.notEqual(changed.exitCode, 0, changed.all);
    assert.match(changed.all, /changed by hand[^]*no changes were expected/);
    assert.match(changed.all, /Stack homelab: \d+ ok, [^]*warning/);
  });

  for (const kind of ["preview", "drift"] as const) {
    test(`can change nothing with what the ${kind} has: not the cluster, MinIO, GitLab, nor the state`, async () => {
      const { runnerId } = await outputs();
      const before = readFileSync(stackFile);
      const file = parseDocument(before.toString());
      file.setIn(["config", "gitlab-runner:tags"], ["kubernetes", "changed"]);
      file.setIn(["config", "gitlab-runner:cache", "expireAfterDays"], 3);
      file.setIn(["config", "gitlab-runner:linkerd"], false);
      writeFileSync(stackFile, file.toString());
      const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: key, ...others } = await credentialsOf(kind);
      const up = (variables: Readonly<Record<string, string>>) =>
        execa("pulumi", ["up", "--yes", "--skip-preview", "--continue-on-error", "--non-interactive"], {
          cwd: checkout,
          env: { ...environment, ...variables },
          extendEnv: false,
          all: true,
          reject: false,
        });
      try {
        // With the keys that write the state, so that it comes to each of the three.
        const { all, exitCode } = await up(others);
        assert.notEqual(exitCode, 0, all);
        assert.match(all, /namespaces "\S+" is forbidden/);
        assert.match(all, /minio:index:IlmPolicy .*Access Denied/);
        assert.match(all, /gitlab:index:UserRunner .*answered 403/);
        const locked = await up({ ...others, AWS_ACCESS_KEY_ID: id ?? "", AWS_SECRET_ACCESS_KEY: key ?? "" });
        assert.notEqual(locked.exitCode, 0, locked.all);
        assert.match(locked.all, /S3: PutObject.*AccessDenied/);
      } finally {
        writeFileSync(stackFile, before);
      }
      const { tag_list: tags } = await sandbox.gitlab.Runners.show(Number(runnerId));
      assert.deepEqual((tags as string[]).includes("changed"), false);
      const labels = await sandbox.exec(
        "kubectl",
        "get",
        "namespace",
        namespace,
        "--output",
        "jsonpath={.metadata.labels}",
      );
      assert.match(labels, /"linkerd.io\/inject":"enabled"/);
      // The components in the state are what the program said last.
      const deployed = await pipeline(...installed, ...onDefaultBranch, "deploy homelab");
      assert.equal(deployed.exitCode, 0, deployed.all);
    });
  }

  test("cannot read the runner's token in the cluster with what a preview has", async () => {
    const { KUBECONFIG: kubeconfig = "" } = await credentialsOf("preview");
    const secret = ["--namespace", namespace, "get", "secret", String((await outputs())["tokenSecret"])];
    assert.match(await run("kubectl", ...secret), /^NAME/);
    await assert.rejects(run("kubectl", "--kubeconfig", kubeconfig, ...secret), /secrets .* is forbidden/);
  });

  test("has left no secret in any log, artifact or note", async () => {
    const { minioUser: _, ...own } = sandbox.state.secrets;
    const inCluster = await Promise.all(
      ["tokenSecret", "cacheSecret"].map(async (output) => {
        const secret = ["--namespace", namespace, "get", "secret", String((await outputs())[output])];
        const { data } = JSON.parse(await run("kubectl", ...secret, "--output", "json")) as {
          data: Record<string, string>;
        };
        return Object.entries(data).filter(([key]) => key === "runner-token" || key === "secretkey");
      }),
    );
    assert.equal(inCluster.flat().length, 2);
    const { AWS_SECRET_ACCESS_KEY: readerKey, MINIO_PASSWORD: driftPassword } = await credentials();
    const search = new SecretSearch({
      ...own,
      ...accessTokens,
      ...Object.fromEntries(inCluster.flat().map(([key, value]) => [key, Buffer.from(value, "base64").toString()])),
      "key for the state": readerKey?.["preview/homelab"] ?? "",
      "password of drift detection": driftPassword?.["drift/homelab"] ?? "",
    });
    for (const [place, text] of Object.entries(left)) {
      assert.deepEqual(search.find(text), [], place);
      assert.match(text, /planted:? "?\[secret\]/, `${place} is not looked at`);
      assertDocumented(place, "0");
    }
  });

  test("checks types and lint", async () => {
    // What counts here is that the image has all that it takes; the code itself has been checked before any test.
    await git("rm", "-r", "--quiet", "examples", "sandbox", "tests", "tools");
    await git("checkout", "HEAD", "--", "sandbox/bootstrap.mjs", "tools/status/web/client", "tools/status/snapshot.ts");
    const { all, exitCode } = await pipeline(...installed, ...onDefaultBranch, "types and lint");
    assert.equal(exitCode, 0, all);
  });

  async function outputs(): Promise<Record<string, unknown>> {
    return JSON.parse(await run("pulumi", "stack", "output", "--json")) as Record<string, unknown>;
  }

  /** A job on the deployed runner, after which GitLab has heard of its manager. */
  async function helloJob(): Promise<void> {
    const file = join(scratch, "hello.gitlab-ci.yml");
    writeFileSync(file, stringify({ hello: { tags: ["kubernetes"], script: ["echo hello"] } }));
    let trace = "";
    const running = { folder: new SandboxFolder(sandbox.path), state: sandbox.state };
    const succeeded = await runCiJob(running, managerOf(await outputs()), file, (text) => (trace += text));
    assert.ok(succeeded, trace);
  }
});
