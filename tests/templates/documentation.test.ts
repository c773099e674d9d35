import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { readStackConfig } from "../../components/config.ts";
import { repository } from "../../tools/repository.ts";
import { deploy } from "../unit/mock-engine.ts";
import { documentation, documentedPodSecurity, pipelineExamples, stackConfigs, yamlBlocks } from "./documentation.ts";
import { PipelineProject, templates } from "./pipeline-project.ts";

const include = z.strictObject({
  component: z.string().optional(),
  local: z.string().optional(),
  inputs: z.record(z.string(), z.unknown()).default({}),
});

describe("docs/templates.md", { timeout: 120_000 }, () => {
  const project = new PipelineProject();
  before(async () => {
    await project.create();
    await deploy(() => undefined); // Names project and stack.
  });
  after(() => {
    project.remove();
  });

  test("has no example that is neither a pipeline nor a stack's configuration", () => {
    assert.ok(pipelineExamples().length > 0 && stackConfigs().length > 0);
    assert.equal(pipelineExamples().length + stackConfigs().length, yamlBlocks().length);
    assert.equal(documentation().split("\n```").length - 1, 2 * yamlBlocks().length, "no block of another kind");
  });

  for (const [index, text] of pipelineExamples().entries()) {
    test(`pipeline ${index + 1} is valid, and sets only inputs that there are`, async () => {
      const pipeline = await project.expand(
        // gitlab-ci-local finds a component in the repository that it reads by this version only.
        text.replaceAll("@main", "@$CI_COMMIT_SHA"),
      );
      assert.ok(Object.keys(pipeline.jobs).length > 0);
      const { include: includes } = z.object({ include: z.array(include) }).parse(parse(text));
      for (const { component, local, inputs } of includes) {
        const name = component?.replace(/^.*\/([\w-]+)@main$/, "$1") ?? local?.split("/").at(-2);
        const template = templates.find((each) => each === name);
        assert.ok(template, `${name ?? "nothing"} is no template`);
        const file = join(repository, "templates", template, "template.yml");
        const [header] = parseAllDocuments(readFileSync(file, "utf8"));
        const { spec } = header?.toJS() as { spec: { inputs: Record<string, unknown> } };
        // GitLab refuses others; gitlab-ci-local does not.
        assert.deepEqual(
          Object.keys(inputs).filter((each) => !(each in spec.inputs)),
          [],
        );
      }
    });
  }

  for (const [index, config] of stackConfigs().entries()) {
    test(`stack configuration ${index + 1} is one that the program takes`, () => {
      pulumi.runtime.setAllConfig(
        Object.fromEntries(
          Object.entries(config).map(([key, value]) => [
            key,
            typeof value === "string" ? value : JSON.stringify(value),
          ]),
        ),
      );
      const { jobs } = readStackConfig("gitlab-runner");
      assert.equal(jobs.podSpec.length, 1);
      assert.equal(jobs.privileged, false);
    });
  }

  test("links to files that exist", () => {
    const links = [...documentation().matchAll(/\]\((\.\.\/[^)]+)\)/g)].map(([, path = ""]) => path);
    assert.ok(links.length >= templates.length);
    for (const link of links) {
      assert.ok(existsSync(join(repository, "docs", link)), link);
    }
  });

  test("names a level for each of three cases", () => {
    assert.equal(documentedPodSecurity().length, 3);
  });

  test("names the fork's image that the template names", () => {
    const [image = ""] = /ghcr\.io\/osscontainertools\/kaniko:v[\d.]+-debug/.exec(documentation()) ?? [];
    assert.notEqual(image, "");
    assert.ok(readFileSync(join(repository, "templates/kaniko/template.yml"), "utf8").includes(image));
  });
});
