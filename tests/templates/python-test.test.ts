import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { runJob, shells, valuesOf } from "./job-shell.ts";
import { builders, including, PipelineProject, type Job } from "./pipeline-project.ts";

const project = new PipelineProject();
const { dash, bash, busybox } = await shells();
const shell = bash ?? dash ?? busybox;

before(() => project.create());
after(() => {
  project.remove();
});

async function jobs(inputs: Record<string, unknown> = {}): Promise<{ pytest: Job; image: Job }> {
  const { pytest, "build-image": image } = (await project.expand(including("python-test", inputs))).jobs;
  assert.ok(pytest && image);
  return { pytest, image };
}

describe("python-test", { timeout: 60_000 }, () => {
  test("tests before it builds, whatever GitLab's own order of stages", async () => {
    const { stages } = await project.expand(including("python-test"));
    assert.deepEqual(stages, [".pre", "test", "build", ".post"]);
  });

  test("leaves the stages to the file that includes it, where that has a list", async () => {
    const included = JSON.parse(including("python-test")) as object;
    const { stages } = await project.expand(
      JSON.stringify({ ...included, stages: ["lint", "test", "build", "deploy"] }),
    );
    assert.deepEqual(stages, [".pre", "lint", "test", "build", "deploy", ".post"]);
  });

  for (const builder of builders) {
    test(`builds with ${builder} on request, just as that template alone`, async () => {
      const { image } = await jobs({ builder });
      assert.deepEqual(image, await project.imageJob(builder));
    });
  }

  test("builds with BuildKit unless told otherwise, and hands on what concerns the image", async () => {
    const inputs = {
      "job-prefix": "",
      context: "app",
      dockerfile: "Dockerfile.prod",
      "build-args": "A=1",
      destination: "registry.example.com/app",
      "merge-requests": "build",
    };
    const { image } = await jobs(inputs);
    assert.deepEqual(image, await project.imageJob("buildkit", inputs));
  });

  test("keeps what pip downloads in the runner's cache, under a key that changes with pyproject.toml", async () => {
    const { pytest } = await jobs();
    assert.equal(pytest.image?.name, "python:3.13");
    assert.deepEqual(pytest["cache"], [
      {
        key: { files: ["pyproject.toml"], prefix: "pip" },
        paths: [".cache/pip"],
        policy: "pull-push",
        when: "always",
      },
    ]);
    assert.equal(pytest.variables["PIP_CACHE_DIR"], "$CI_PROJECT_DIR/.cache/pip");
    assert.deepEqual(pytest["artifacts"], { when: "always", reports: { junit: "junit.xml" } });
  });

  describe("the job pytest", { timeout: 60_000, skip: shell === undefined && "the machine has no shell" }, () => {
    const run = async (options: { inputs?: Record<string, unknown>; failAt?: string } = {}) => {
      assert.ok(shell);
      const { pytest } = await jobs(options.inputs);
      return runJob({ ...options, job: pytest, shell, variables: {}, commands: ["python", "pip", "pytest"] });
    };

    test("installs the project with its extra into a virtual environment, and tests it", async () => {
      const { exitCode, log, calls, projectDir } = await run({
        inputs: { extra: "test,postgres", "pytest-options": '-m "not slow"' },
      });
      assert.equal(exitCode, 0, log);
      const [venv, pip, pytest] = calls;
      assert.deepEqual(
        calls.map((call) => call.program),
        ["python", "pip", "pytest"],
      );
      const [folder = ""] = valuesOf(venv, "venv");
      assert.notEqual(folder, "");
      assert.ok(!folder.startsWith(projectDir), "it is no part of the project");
      assert.ok(pip && pytest);
      assert.ok(pip.environment["PATH"]?.startsWith(`${folder}/bin:`));
      assert.deepEqual(pip.arguments, ["install", ".[test,postgres]"]);
      assert.equal(pip.environment["PIP_CACHE_DIR"], `${projectDir}/.cache/pip`);
      assert.deepEqual(pytest.arguments, ["--junitxml=junit.xml"]);
      assert.equal(pytest.environment["PYTEST_ADDOPTS"], '-m "not slow"');
    });

    for (const [what, failAt, count] of [
      ["pip", "install", 2],
      ["pytest", "--junitxml", 3],
    ] as const) {
      test(`fails when ${what} does`, async () => {
        const { exitCode, calls } = await run({ failAt });
        assert.notEqual(exitCode, 0);
        assert.equal(calls.length, count);
      });
    }
  });
});
