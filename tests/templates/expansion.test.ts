import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { repository } from "../../tools/repository.ts";
import { builders, including, PipelineProject, templates, type Job, type Template } from "./pipeline-project.ts";

const input = z.strictObject({
  default: z.union([z.string(), z.boolean(), z.array(z.string())]),
  description: z.string().regex(/^[A-Z`].*\.$/s, "must be a sentence"),
  type: z.enum(["string", "number", "boolean", "array"]).default("string"),
  options: z.array(z.string()).optional(),
  regex: z.string().optional(),
});
const header = z.strictObject({ spec: z.strictObject({ inputs: z.record(z.string(), input) }) });

/** Another value than the default for every input of every template. */
const otherInputs: Readonly<Record<Template, Readonly<Record<string, unknown>>>> = (() => {
  const ofImage = {
    stage: "deploy",
    "job-prefix": "api-",
    "runner-tags": ["image-builds", "arm64"],
    "builder-image": "registry.example.com/builder:1",
    context: "services/api",
    dockerfile: "docker/Dockerfile",
    target: "runtime",
    "build-args": "A=1\nB=two words",
    destination: "registry.example.com/api",
    latest: false,
    branches: false,
    "merge-requests": "push",
    registry: "registry.example.com",
    "username-variable": "REGISTRY_USER",
    "password-variable": "REGISTRY_TOKEN",
    cache: false,
    "cache-repo": "registry.example.com/layers",
  };
  return {
    buildkit: { ...ofImage, platforms: "linux/arm64", "buildkitd-flags": "--oci-worker-snapshotter=native" },
    buildah: { ...ofImage, platforms: "linux/arm64", "storage-driver": "overlay" },
    kaniko: ofImage,
    "python-test": {
      "test-stage": "check",
      "build-stage": "package",
      "job-prefix": "api-",
      "runner-tags": ["image-builds"],
      "python-image": "python:3.12-slim",
      extra: "test,postgres",
      "pytest-options": '-m "not slow"',
      builder: "kaniko",
      context: "services/api",
      dockerfile: "docker/Dockerfile",
      "build-args": "A=1",
      destination: "registry.example.com/api",
      "merge-requests": "build",
    },
  };
})();

function read(template: Template) {
  const text = readFileSync(join(repository, "templates", template, "template.yml"), "utf8");
  const [first, ...others] = parseAllDocuments(text);
  return {
    text,
    inputs: header.parse(first?.toJS()).spec.inputs,
    body: JSON.stringify(others.map((each) => each.toJS() as unknown)),
  };
}

const project = new PipelineProject();
before(() => project.create());
after(() => {
  project.remove();
});

for (const template of templates) {
  describe(template, { timeout: 120_000 }, () => {
    const { text, inputs, body } = read(template);

    test("starts with what it is, when to use it, and its inputs", () => {
      assert.match(text, /^# [A-Z].*\n(# .*\n)*#\n# When: .*\n(# .*\n)*# Inputs: /);
    });

    test("describes each of its inputs, with a default that it takes itself", () => {
      for (const [name, { default: value, type, options, regex }] of Object.entries(inputs)) {
        assert.equal(Array.isArray(value) ? "array" : typeof value, type, name);
        assert.ok(options?.includes(String(value)) ?? true, `${name}: ${String(value)} is none of its options`);
        assert.match(String(value), new RegExp(regex ?? ""), name);
      }
    });

    test("uses each of its inputs, and no other", () => {
      const used = [...body.matchAll(/\$\[\[ inputs\.([\w-]+) \]\]/g)].map(([, name]) => name);
      assert.deepEqual([...new Set(used)].sort(), Object.keys(inputs).sort());
      assert.equal(body.split("$[[").length - 1, used.length, "no other interpolation");
    });

    test("is a valid pipeline with its defaults", async () => {
      const { jobs } = await project.expand(including(template));
      const found = Object.entries(jobs);
      assert.deepEqual(
        found.map(([name]) => name).sort(),
        template === "python-test" ? ["build-image", "pytest"] : ["build-image"],
      );
      for (const [name, job] of found) {
        assert.deepEqual(job.tags, ["kubernetes"], name);
        assert.equal(job.stage, name === "pytest" ? "test" : "build");
      }
    });

    test("is a valid pipeline with every input set, and all of them arrive", async () => {
      const other = otherInputs[template];
      assert.deepEqual(Object.keys(other).sort(), Object.keys(inputs).sort(), "a value for each input");
      const changed = JSON.stringify(await project.expand(including(template, other)));
      for (const [name, value] of Object.entries(other)) {
        assert.notDeepEqual(value, inputs[name]?.default, `${name} has its default`);
        // What booleans do is for the tests of the scripts.
        const text = typeof value === "string" ? JSON.stringify(value).slice(1, -1) : JSON.stringify(value);
        assert.ok(typeof value === "boolean" || changed.includes(text), `${name} does not arrive`);
      }
    });
  });
}

describe("the templates that build an image", { timeout: 120_000 }, () => {
  test("have in common all that is not the builder's own", async () => {
    const [first, ...others] = await Promise.all(builders.map((builder) => project.imageJob(builder)));
    assert.ok(first);
    const common = ({ before_script: script, rules, stage, tags, inherit }: Job) => ({
      script,
      rules,
      stage,
      tags,
      inherit,
    });
    for (const other of others) {
      assert.deepEqual(common(other), common(first));
    }
    const shared = builders.map((builder) => {
      const {
        "builder-image": image,
        platforms,
        "buildkitd-flags": flags,
        "storage-driver": driver,
        ...rest
      } = read(builder).inputs;
      assert.ok(
        image &&
          (builder === "buildkit") === (flags !== undefined) &&
          (builder === "buildah") === (driver !== undefined),
      );
      assert.equal(builder === "kaniko", platforms === undefined);
      return rest;
    });
    assert.deepEqual(shared[1], shared[0]);
    assert.deepEqual(shared[2], shared[0]);
  });

  test("start a shell in the builder's image, and take nothing from the pipeline's other jobs", async () => {
    const { jobs } = await project.expand(
      JSON.stringify({
        default: {
          image: "node:24",
          before_script: ["npm ci"],
          services: ["postgres"],
          cache: { paths: ["node_modules"] },
        },
        include: builders.map((builder) => ({
          local: `templates/${builder}/template.yml`,
          inputs: { "job-prefix": `${builder}-` },
        })),
      }),
    );
    for (const builder of builders) {
      const job = jobs[`${builder}-build-image`];
      assert.deepEqual(job?.image?.entrypoint, [""]);
      assert.match(job.image.name, new RegExp(`${builder}|kaniko`));
      assert.doesNotMatch(job.before_script.join("\n"), /npm/);
      assert.equal(job["services"], undefined);
      assert.equal(job["cache"], undefined);
    }
  });

  test("pin the builder's version", async () => {
    for (const builder of builders) {
      assert.match((await project.imageJob(builder)).image?.name ?? "", /:v\d+\.\d+\.\d+(-rootless|-debug)?$/);
    }
  });

  for (const [template, inputs, message] of [
    ["buildkit", { "merge-requests": "sometimes" }, /merge-requests.*sometimes.*not in the list/s],
    ["buildkit", { "password-variable": "A B" }, /password-variable.*regex/s],
    ["buildah", { platforms: "linux/amd64; rm" }, /platforms.*regex/s],
    ["kaniko", { latest: "yes" }, /latest.*not a boolean/s],
    ["python-test", { builder: "docker" }, /builder.*docker.*not in the list/s],
  ] as const) {
    test(`${template} refuses ${JSON.stringify(inputs)}`, async () => {
      await assert.rejects(project.expand(including(template, inputs)), message);
    });
  }

  test("are checked against GitLab's schema", async () => {
    const broken = JSON.stringify({ job: { script: ["true"], inherit: { default: ["entrypoint"] } } });
    await assert.rejects(project.expand(broken), /must be one of/);
  });
});

describe("the pipelines that have the jobs", { timeout: 120_000 }, () => {
  const tag = { CI_COMMIT_TAG: "v1", CI_COMMIT_BRANCH: undefined };
  const branch = (name: string, more = {}) => ({ CI_COMMIT_BRANCH: name, CI_COMMIT_REF_NAME: name, ...more });
  const openMergeRequest = { CI_OPEN_MERGE_REQUESTS: "my-group/app!12" };
  const mergeRequest = { CI_COMMIT_BRANCH: undefined, CI_PIPELINE_SOURCE: "merge_request_event", ...openMergeRequest };
  const both = ["build-image", "pytest"];
  const trunk = branch(project.defaultBranch);

  for (const [what, variables, skipping, building] of [
    ["the default branch", trunk, both, both],
    ["the default branch with an open merge request", { ...trunk, ...openMergeRequest }, both, both],
    ["a branch that is called main", branch("main"), both, both],
    ["a branch with an open merge request", branch("feature", openMergeRequest), both, []],
    ["a merge request", mergeRequest, [], both],
    ["a Git tag", tag, both, both],
  ] as const) {
    test(`${what}: ${skipping.length > 0 ? "yes" : "no"}, and with merge-requests ${building.length > 0 ? "yes" : "no"}`, async () => {
      const names = async (inputs: Record<string, unknown>) =>
        (await project.jobNames(including("python-test", inputs), variables)).sort();
      assert.deepEqual(await names({}), skipping);
      assert.deepEqual(await names({ "merge-requests": "build" }), building);
    });
  }

  test("other branches: not with branches: false, which leaves the default branch and tags", async () => {
    const names = (variables: Record<string, string | undefined>) =>
      project.jobNames(including("buildkit", { branches: false }), variables);
    assert.deepEqual(await names(branch("feature")), []);
    assert.deepEqual(await names(trunk), ["build-image"]);
    assert.deepEqual(await names(tag), ["build-image"]);
  });
});
