import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { missing } from "./debian-tools.ts";
import { runJob, shells, valuesOf, type JobRun, type JobRunOptions, type Shell } from "./job-shell.ts";
import { builders, PipelineProject, type Builder } from "./pipeline-project.ts";

const image = "registry.example.com:5050/my-group/app";
const sha = "c3d3f4a1b2c3d4e5f60718293a4b5c6d7e8f9012";
/** Password and user as no one would choose them, but as a generator might. */
const password = `pa"ss\\ wo'rd $HOME \${CI} $(id) \`id\` %s\\n {"a":1} ü€漢🔑 ${"long".repeat(30)}`;
const user = 'gitlab ci "token" \\o/ é';

/** GitLab's own variables in every pipeline. */
const predefined = {
  CI: "true",
  CI_COMMIT_SHA: sha,
  CI_COMMIT_SHORT_SHA: sha.slice(0, 8),
  CI_DEFAULT_BRANCH: "trunk",
  CI_JOB_STARTED_AT: "2026-11-24T08:00:00Z",
  CI_REGISTRY: "registry.example.com:5050",
  CI_REGISTRY_IMAGE: image,
  CI_REGISTRY_USER: user,
  CI_REGISTRY_PASSWORD: password,
};
const onBranch = (name: string, slug: string) => ({
  ...predefined,
  CI_COMMIT_BRANCH: name,
  CI_COMMIT_REF_NAME: name,
  CI_COMMIT_REF_SLUG: slug,
});
const onTag = (name: string, slug: string) => ({
  ...predefined,
  CI_COMMIT_TAG: name,
  CI_COMMIT_REF_NAME: name,
  CI_COMMIT_REF_SLUG: slug,
});
const onTrunk = onBranch("trunk", "trunk");
const onMergeRequest = {
  ...predefined,
  CI_COMMIT_REF_NAME: "trunk",
  CI_COMMIT_REF_SLUG: "trunk",
  CI_MERGE_REQUEST_IID: "12",
};

const commands: Record<Builder, string> = {
  buildkit: "buildctl-daemonless.sh",
  buildah: "buildah",
  kaniko: "executor",
};

/** The images that a job has pushed, by what it told the builder. */
const pushed: Record<Builder, (run: JobRun) => string[]> = {
  buildkit: ({ calls }) =>
    valuesOf(calls[0], "--output").flatMap(
      (output) => /^type=image,"name=([^"]+)",push=true$/.exec(output)?.[1]?.split(",") ?? [],
    ),
  buildah: ({ calls }) =>
    calls.slice(1).map(({ arguments: args }) => {
      assert.deepEqual(args.slice(0, -1), args[0] === "push" ? ["push", built] : ["manifest", "push", "--all", built]);
      return (args.at(-1) ?? "").replace(/^docker:\/\//, "");
    }),
  kaniko: ({ calls }) => valuesOf(calls[0], "--destination"),
};
const built = "localhost/image-build";

const project = new PipelineProject();
const available = await shells();
/** The shell of most images, where there is one. */
const usual = available.busybox ?? available.dash ?? available.bash;

before(() => project.create());
after(() => {
  project.remove();
});

async function build(
  builder: Builder,
  {
    inputs,
    ...options
  }: { inputs?: Record<string, unknown> } & Pick<JobRunOptions, "variables"> &
    Partial<Pick<JobRunOptions, "shell" | "failAt" | "files">>,
): Promise<JobRun> {
  assert.ok(usual, "the machine has no shell");
  const job = await project.imageJob(builder, inputs);
  return runJob({ shell: usual, ...options, job, commands: [commands[builder]] });
}

function succeeded(run: JobRun): void {
  assert.equal(run.exitCode, 0, run.log);
}

for (const builder of builders) {
  for (const [name, shell] of Object.entries(available) as [Shell["name"], Shell | undefined][]) {
    const skip = shell === undefined && (name === "bash" ? "there is no bash" : missing(name));
    describe(`${builder}, in ${name}`, { timeout: 120_000, skip }, () => {
      test("gives an image its tags: commit, branch or Git tag, and latest on the default branch only", async () => {
        const tagged = async (variables: Record<string, string>) => {
          const run = await build(builder, { shell, variables });
          succeeded(run);
          return pushed[builder](run).map((destination) => destination.replace(`${image}:`, ""));
        };
        assert.deepEqual(await tagged(onTrunk), ["c3d3f4a1", "trunk", "latest"]);
        assert.deepEqual(await tagged(onBranch("main", "main")), ["c3d3f4a1", "main"]);
        assert.deepEqual(await tagged(onBranch("feature/New_UI", "feature-new-ui")), ["c3d3f4a1", "feature-new-ui"]);
        assert.deepEqual(await tagged(onTag("v1.2.0", "v1-2-0")), ["c3d3f4a1", "v1-2-0", "v1.2.0"]);
      });

      test("hands over credentials that survive JSON, readable by no one else, and shows them to no one", async () => {
        const run = await build(builder, { shell, variables: onTrunk });
        succeeded(run);
        const [call] = run.calls;
        assert.ok(call?.dockerConfig);
        const { auths } = JSON.parse(call.dockerConfig.text) as { auths: Record<string, { auth: string }> };
        assert.deepEqual(Object.keys(auths), ["registry.example.com:5050"]);
        const auth = auths["registry.example.com:5050"]?.auth ?? "";
        assert.equal(Buffer.from(auth, "base64").toString(), `${user}:${password}`);
        assert.equal(call.dockerConfig.mode, "600");

        assert.ok(run.words.some((word) => word.endsWith("/bin/base64")));
        const seen = [run.log, ...run.words, ...run.calls.flatMap((each) => each.arguments)].join("\n");
        assert.doesNotMatch(seen, /pa"ss/);
        assert.ok(!seen.includes(auth.slice(0, 40)), "the encoded password is in sight");
      });

      test("takes build arguments and paths as they are", async () => {
        const run = await build(builder, {
          shell,
          variables: onTrunk,
          files: ["services/my api/build/Dockerfile.prod"],
          inputs: {
            context: "services/my api",
            dockerfile: "build/Dockerfile.prod",
            target: "runtime",
            "build-args": `GREETING=Hello, "wörld" * 'x' \\ $$HOME\n\nEMPTY=\nGIT_COMMIT=$CI_COMMIT_SHA\n`,
          },
        });
        succeeded(run);
        const [call] = run.calls;
        const context = `${run.projectDir}/services/my api`;
        const args = [`GREETING=Hello, "wörld" * 'x' \\ $HOME`, "EMPTY=", `GIT_COMMIT=${sha}`];
        if (builder === "buildkit") {
          assert.deepEqual(valuesOf(call, "--local"), [`context=${context}`, `dockerfile=${context}/build`]);
          assert.deepEqual(valuesOf(call, "--opt"), [
            "filename=Dockerfile.prod",
            ...args.map((each) => `build-arg:${each}`),
            "target=runtime",
          ]);
        } else {
          const option = builder === "kaniko" ? "--dockerfile" : "--file";
          assert.deepEqual(valuesOf(call, option), [`${context}/build/Dockerfile.prod`]);
          assert.deepEqual(valuesOf(call, "--build-arg"), args);
          assert.deepEqual(valuesOf(call, "--target"), ["runtime"]);
          assert.equal(builder === "kaniko" ? valuesOf(call, "--context")[0] : call?.arguments.at(-1), context);
        }
      });

      test("fails when the builder does", async () => {
        const run = await build(builder, { shell, variables: onTrunk, failAt: "Dockerfile" });
        assert.notEqual(run.exitCode, 0);
        assert.equal(run.calls.length, 1, "it stops at once");
      });
    });
  }

  describe(builder, { timeout: 120_000 }, () => {
    test("has build arguments for date and commit by default", async () => {
      const run = await build(builder, { variables: onTrunk });
      succeeded(run);
      const args = run.calls[0]?.arguments.join("\n") ?? "";
      assert.match(args, /BUILD_DATE=2026-11-24T08:00:00Z/);
      assert.match(args, new RegExp(`GIT_COMMIT=${sha}`));
    });

    test("leaves out a Git tag that cannot be an image's, and never takes latest from a name", async () => {
      const slashed = await build(builder, { variables: onTag("release/1.0", "release-1-0") });
      succeeded(slashed);
      assert.deepEqual(pushed[builder](slashed), [`${image}:c3d3f4a1`, `${image}:release-1-0`]);
      assert.match(slashed.log, /Not tagged with 'release\/1\.0'/);
      for (const variables of [onBranch("latest", "latest"), onTag("latest", "latest")]) {
        const run = await build(builder, { variables });
        succeeded(run);
        assert.deepEqual(pushed[builder](run), [`${image}:c3d3f4a1`]);
      }
    });

    test("names each tag once, and leaves out latest where that is wished", async () => {
      const run = await build(builder, { variables: onTag("stable", "stable") });
      assert.deepEqual(pushed[builder](run), [`${image}:c3d3f4a1`, `${image}:stable`]);
      const without = await build(builder, { variables: onTrunk, inputs: { latest: false } });
      assert.deepEqual(pushed[builder](without), [`${image}:c3d3f4a1`, `${image}:trunk`]);
    });

    test("builds a merge request without pushing anything, its cache included", async () => {
      const run = await build(builder, { variables: onMergeRequest, inputs: { "merge-requests": "build" } });
      succeeded(run);
      assert.equal(run.calls.length, 1);
      assert.deepEqual(pushed[builder](run), []);
      const args = run.calls[0]?.arguments ?? [];
      assert.ok(!args.some((word) => /push=true|^--export-cache$|^--cache-to$/.test(word)), args.join(" "));
      assert.equal(args.includes("--no-push") && args.includes("--no-push-cache"), builder === "kaniko");
    });

    test("pushes a merge request under its number, whatever its branch is called", async () => {
      const run = await build(builder, { variables: onMergeRequest, inputs: { "merge-requests": "push" } });
      succeeded(run);
      assert.deepEqual(pushed[builder](run), [`${image}:c3d3f4a1`, `${image}:mr-12`]);
    });

    test("builds a merge request without a registry's password, too", async () => {
      const run = await build(builder, {
        variables: { ...onMergeRequest, CI_REGISTRY_PASSWORD: "" },
        inputs: { "merge-requests": "build" },
      });
      succeeded(run);
      assert.equal(run.calls[0]?.dockerConfig, undefined);
    });

    test("keeps layers beside the image, or where it is told to, or not at all", async () => {
      const cacheWords = async (inputs: Record<string, unknown>) => {
        const run = await build(builder, { variables: onTrunk, inputs });
        succeeded(run);
        return (run.calls[0]?.arguments ?? []).filter((word) => word.includes("cache") && !word.includes("Dockerfile"));
      };
      const expected = (repo: string) =>
        ({
          buildkit: [
            "--import-cache",
            `type=registry,ref=${repo}:buildkit`,
            "--export-cache",
            `type=registry,ref=${repo}:buildkit,mode=max`,
          ],
          buildah: ["--cache-from", repo, "--cache-to", repo].filter((word) => word.includes("cache")),
          kaniko: ["--cache=true", `--cache-repo=${repo}`],
        })[builder];
      assert.deepEqual(await cacheWords({}), expected(`${image}/cache`));
      const elsewhere = "registry.example.com/layer-cache";
      assert.deepEqual(await cacheWords({ "cache-repo": elsewhere }), expected(elsewhere));
      assert.deepEqual(await cacheWords({ destination: `${image}/api` }), expected(`${image}/api/cache`));
      assert.deepEqual(await cacheWords({ cache: false }), []);
    });

    test("pushes to another registry, with credentials from other variables", async () => {
      const run = await build(builder, {
        variables: { ...onTrunk, HUB_USER: "me", HUB_TOKEN: "dckr_pat_x" },
        inputs: {
          destination: "docker.io/me/app",
          registry: "https://index.docker.io/v1/",
          "username-variable": "HUB_USER",
          "password-variable": "HUB_TOKEN",
        },
      });
      succeeded(run);
      assert.deepEqual(pushed[builder](run)[0], "docker.io/me/app:c3d3f4a1");
      assert.deepEqual(JSON.parse(run.calls[0]?.dockerConfig?.text ?? ""), {
        auths: { "https://index.docker.io/v1/": { auth: Buffer.from("me:dckr_pat_x").toString("base64") } },
      });
    });

    for (const [what, options, message] of [
      ["no registry", { variables: { ...onTrunk, CI_REGISTRY_IMAGE: "" } }, /enable the project's container registry/],
      ["no password", { variables: { ...onTrunk, CI_REGISTRY_PASSWORD: "" } }, /CI_REGISTRY_PASSWORD is empty/],
      [
        "no Dockerfile",
        { variables: onTrunk, files: ["README.md"] },
        /There is no .*\/app\/Dockerfile: set the inputs/,
      ],
      [
        "a build argument without a value",
        { variables: onTrunk, inputs: { "build-args": "A=1\nVERSION" } },
        /'VERSION' is not a build argument: write NAME=value/,
      ],
      [
        "a registry that would break the JSON",
        { variables: onTrunk, inputs: { registry: 'r.example.com"' } },
        /'r\.example\.com"' is not a valid registry/,
      ],
    ] as const) {
      test(`explains ${what}, and builds nothing`, async () => {
        const run = await build(builder, options);
        assert.notEqual(run.exitCode, 0);
        assert.match(run.log, message);
        assert.deepEqual(run.calls, []);
      });
    }
  });
}

describe("credentials of any characters", { timeout: 120_000 }, () => {
  test("reach the builder unchanged", async () => {
    const text = fc.string({ unit: "binary", maxLength: 200 }).map((value) => value.replaceAll("\0", "0"));
    await fc.assert(
      fc.asyncProperty(text, text, async (name, secret) => {
        const variables = { ...onTrunk, CI_REGISTRY_USER: name, CI_REGISTRY_PASSWORD: `${secret}.` };
        const run = await build("buildkit", { variables });
        const config = JSON.parse(run.calls[0]?.dockerConfig?.text ?? "{}") as {
          auths: Record<string, { auth: string }>;
        };
        const { auth = "" } = config.auths["registry.example.com:5050"] ?? {};
        assert.equal(Buffer.from(auth, "base64").toString(), `${name}:${secret}.`);
      }),
      { numRuns: 25 },
    );
  });
});

describe("what only one builder has", { timeout: 60_000 }, () => {
  const platforms = "linux/amd64,linux/arm64";

  test("buildkit: several platforms, and flags for the daemon in an unprivileged pod", async () => {
    const run = await build("buildkit", { variables: onTrunk, inputs: { platforms } });
    succeeded(run);
    assert.ok(valuesOf(run.calls[0], "--opt").includes(`platform=${platforms}`));
    assert.equal(run.calls[0]?.environment["BUILDKITD_FLAGS"], "--oci-worker-no-process-sandbox");
  });

  test("buildah: several platforms, as one list that every tag gets", async () => {
    const run = await build("buildah", { variables: onTrunk, inputs: { platforms } });
    succeeded(run);
    assert.deepEqual(valuesOf(run.calls[0], "--platform"), [platforms]);
    assert.deepEqual(valuesOf(run.calls[0], "--manifest"), [built]);
    assert.deepEqual(run.calls[1]?.arguments, ["manifest", "push", "--all", built, `docker://${image}:c3d3f4a1`]);
    assert.equal(run.calls.length, 4);
  });

  test("buildah: chroot isolation, a storage driver for any pod, credentials where it looks for them", async () => {
    const run = await build("buildah", { variables: onTrunk });
    const [call] = run.calls;
    assert.deepEqual(valuesOf(call, "--isolation"), ["chroot"]);
    assert.equal(call?.environment["STORAGE_DRIVER"], "vfs");
    assert.equal(call.environment["REGISTRY_AUTH_FILE"], `${call.environment["DOCKER_CONFIG"] ?? ""}/config.json`);
  });

  test("buildah: a tag that cannot be pushed fails the job", async () => {
    const run = await build("buildah", { variables: onTrunk, failAt: `${image}:trunk` });
    assert.notEqual(run.exitCode, 0);
    assert.equal(run.calls.length, 3, "built, one tag pushed, the next one failed");
  });

  test("kaniko: one run for all tags, with Kaniko's folder for credentials", async () => {
    const job = await project.imageJob("kaniko");
    assert.equal(job.variables["DOCKER_CONFIG"], "/kaniko/.docker");
    assert.match(job.script.join("\n"), /\/kaniko\/executor/);
    const run = await build("kaniko", { variables: onTrunk });
    assert.equal(run.calls.length, 1);
  });

  test("kaniko: the image's own certificates stay when the runner names further ones", async () => {
    const own = await build("kaniko", { variables: onTrunk });
    assert.equal(own.calls[0]?.environment["SSL_CERT_DIR"], "/kaniko/ssl/certs");
    const further = await build("kaniko", { variables: { ...onTrunk, SSL_CERT_DIR: "/etc/gitlab-runner/certs" } });
    assert.equal(further.calls[0]?.environment["SSL_CERT_DIR"], "/kaniko/ssl/certs:/etc/gitlab-runner/certs");
  });
});
