import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { execa } from "execa";
import { draw } from "../../tools/graph/drawing.ts";
import { framesOf, boxesOf, layOut } from "../../tools/graph/layout.ts";
import { pictureOf } from "../../tools/graph/picture.ts";
import { readState } from "../../tools/graph/stack-state.ts";
import { repository } from "../../tools/repository.ts";
import { UserError } from "../../tools/user-error.ts";

const fixture = join(import.meta.dirname, "../fixtures/stack-state.json");
const state = readFileSync(fixture, "utf8");

function picture(text = state) {
  return pictureOf(readState(text, "the fixture"));
}

async function svg(text = state): Promise<string> {
  const drawn = picture(text);
  return draw(drawn, await layOut(drawn));
}

/** Arrows as text, by kinds and names: `Secret token -> Release: tokenSecret`. */
function arrows(text = state): string[] {
  const drawn = picture(text);
  const names = new Map([
    ...boxesOf(drawn).map(({ id, kind, names }) => [id, [kind, ...names.slice(0, 1)].join(" ")] as const),
    ...framesOf(drawn).map(({ id, kind }) => [id, `[${kind}]`] as const),
  ]);
  const name = (id: string | undefined) => names.get(id ?? "") ?? "?";
  return drawn.arrows
    .map(({ from, to, frame, properties }) => `${name(from)} -> ${name(frame ?? to[0])}: ${properties.join(", ")}`)
    .toSorted();
}

/** The fixture, changed. */
function changed(change: (resources: Record<string, unknown>[]) => unknown): string {
  const content = JSON.parse(state) as { deployment: { resources: Record<string, unknown>[] } };
  const resources = change(content.deployment.resources);
  return JSON.stringify({ ...content, deployment: { ...content.deployment, resources } });
}

describe("the picture of a stack", { timeout: 60_000 }, () => {
  test("has a frame for each component, around its resources", () => {
    const [outer, ...more] = picture().frames;
    assert.deepEqual(more, []);
    assert.equal(outer?.kind, "GitLabRunner");
    assert.deepEqual(
      outer.frames.map(({ kind, name, boxes }) => [kind, name, boxes.map((box) => [box.kind, ...box.names].join(" "))]),
      [
        ["BuildCache", "gitlab-runner-cache", ["IamUser user", "S3Bucket", "RandomPassword secret-key"]],
        ["RunnerCredentials", "gitlab-runner-credentials", ["Secret cache", "Secret token"]],
        ["RunnerNamespace", "gitlab-runner-namespace", ["Namespace"]],
        [
          "RunnerRegistration",
          "gitlab-runner-registration",
          ["ProjectRunnerEnablement 11 12 13 and 2 more", "UserRunner"],
        ],
        ["RunnerRelease", "gitlab-runner-release", ["Release"]],
      ],
    );
  });

  test("has an arrow for each value, named after what takes it, and only the last link of a chain", () => {
    assert.deepEqual(arrows(), [
      "IamUser user -> Release: credentialsChecksum",
      "IamUser user -> Secret cache: cacheKeys",
      "Namespace -> Release: namespace",
      "Namespace -> [RunnerCredentials]: namespace",
      "RandomPassword secret-key -> IamUser user: secret",
      "S3Bucket -> Release: cache",
      "Secret cache -> Release: cacheSecret",
      "Secret token -> Release: tokenSecret",
      "UserRunner -> ProjectRunnerEnablement 11: runnerId",
      "UserRunner -> Release: credentialsChecksum",
      "UserRunner -> Secret token: token",
    ]);
  });

  test("has an arrow without a name for what is order alone", async () => {
    const ordered = changed((resources) =>
      resources.map((resource) =>
        String(resource["type"]).endsWith(":IamUser")
          ? { ...resource, dependencies: [resources.find(({ type }) => String(type).endsWith(":S3Bucket"))?.["urn"]] }
          : resource,
      ),
    );
    assert.ok(arrows(ordered).includes("S3Bucket -> IamUser user: "));
    const drawn = await svg(ordered);
    assert.match(drawn, /class="arrow" stroke-dasharray/);
    assert.match(drawn, />is created before</);
  });

  test("puts a resource whose parent is a resource into the same component", () => {
    const nested = changed((resources) =>
      resources.map((resource) =>
        String(resource["type"]).endsWith(":IamUser")
          ? { ...resource, parent: resources.find(({ type }) => String(type).endsWith(":S3Bucket"))?.["urn"] }
          : resource,
      ),
    );
    assert.deepEqual(picture(nested), picture());
  });

  test("is an SVG with all of it, on a background of its own, with a legend", async () => {
    const drawn = await svg();
    assert.match(drawn, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="\d+" height="\d+"/);
    assert.match(drawn, /<rect width="100%" height="100%" fill="#ffffff"\/>/);
    const texts = Array.from(drawn.matchAll(/<t(?:ext|span)[^>]*>([^<]+)</g), ([, text]) => text);
    for (const expected of [
      ...["BuildCache", "gitlab-runner-cache", "S3Bucket", "secret-key", "tokenSecret", "ProjectRunner", "and 2 more"],
      ...["GitLab", "MinIO", "Kubernetes", "random", "already exists", "passes a value to this property or argument"],
    ]) {
      assert.ok(texts.includes(expected), `${expected} is not in ${texts.join(" | ")}`);
    }
    assert.equal(drawn.match(/class="arrow"/g)?.length, arrows().length + 1, "and one in the legend");
    assert.doesNotMatch(drawn, /NaN|undefined|Infinity/);
  });

  test("gives each provider its colour, and those that it does not know one of their own", async () => {
    const boxes = Array.from(
      (await svg()).matchAll(/<g class="box"><rect rx="8" fill="(#\w+)"[^>]*>(?:<text[^>]*>\w+<\/text>)+/g),
      ([text, fill]) => [/>(\w+)</.exec(text)?.[1], fill],
    );
    const fills = Map.groupBy(boxes, ([, fill]) => fill);
    assert.deepEqual(
      Array.from(fills.values(), (group) => [...new Set(group.map(([kind]) => kind))].toSorted()).toSorted(),
      [
        ["IamUser", "S3Bucket"],
        ["Namespace", "Release", "Secret"],
        ["ProjectRunner", "UserRunner"],
        ["RandomPassword"],
      ],
    );
    const foreign = state.replaceAll("random:index/randomPassword:RandomPassword", "tls:index/privateKey:PrivateKey");
    assert.match(await svg(foreign), />tls<\/text>/);
  });

  test("shows no value, no id and no URN, whether they are encrypted or not", async () => {
    assert.match(state, /canary/i);
    const drawn = await svg();
    for (const pattern of [/canary/i, /urn:pulumi/, /ciphertext/, /glrt-/, /::/]) {
      assert.doesNotMatch(drawn, pattern);
    }
  });

  test("is the same for the same stack, in whatever order its resources are, and under whatever name", async () => {
    const drawn = await svg();
    assert.equal(await svg(), drawn);
    assert.equal(await svg(changed((resources) => resources.toReversed())), drawn);
    assert.equal(await svg(state.replaceAll("urn:pulumi:fixture::", "urn:pulumi:zoo::")), drawn);
  });

  test("keeps its labels apart from boxes", async () => {
    const drawn = picture();
    const { areas, courses, width, height } = await layOut(drawn);
    for (const { label } of courses) {
      assert.ok(label !== undefined && label.x > 0 && label.x < width && label.y > 0 && label.y < height);
      const covered = boxesOf(drawn).filter(({ id }) => {
        const area = areas.get(id);
        assert.ok(area);
        return label.x > area.x && label.x < area.x + area.width && label.y > area.y && label.y < area.y + area.height;
      });
      assert.deepEqual(covered, []);
    }
  });

  test("does not follow a circle forever", () => {
    const circle = changed((resources) => {
      const urns = resources.map(({ urn }) => urn);
      return resources.map((resource) => ({ ...resource, dependencies: urns }));
    });
    assert.doesNotThrow(() => picture(circle));
  });
});

describe("a state that cannot be drawn", () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ["no JSON", "name: x", /^FILE is not an exported stack: it is not JSON\.\nTo export one: pulumi stack export/],
    ["something else", `{"name":"x"}`, /^FILE is not an exported stack: deployment: /],
    ["resources of another shape", `{"deployment":{"resources":[{"urn":1}]}}`, /deployment\.resources\.0\.urn: /],
    ["a stack before its first update", `{"deployment":{}}`, /^FILE has no resources: nothing is deployed/],
    ["a destroyed stack", `{"deployment":{"resources":[]}}`, /has no resources/],
  ];
  for (const [what, text, message] of cases) {
    test(`is ${what}`, () => {
      assert.throws(
        () => readState(text, "FILE"),
        (error: Error) => error instanceof UserError && message.test(error.message),
      );
    });
  }
});

describe("npm run graph", { timeout: 60_000 }, () => {
  const scratch = mkdtempSync(join(tmpdir(), "graph-test-"));
  after(() => {
    rmSync(scratch, { recursive: true, force: true });
  });

  async function graph(...args: string[]) {
    const result = await execa(process.execPath, [join(repository, "tools/graph.ts"), ...args], {
      env: { INIT_CWD: scratch, PATH: "/nowhere" },
      reject: false,
      all: true,
      timeout: 30_000,
    });
    return { all: result.all, exitCode: result.exitCode };
  }

  test("writes the picture into the folder where it was called", async () => {
    const { all, exitCode } = await graph("--state", fixture);
    assert.equal(exitCode, 0, all);
    assert.match(all, /stack-state\.json, 13 resources in 6 components: stack\.svg$/);
    assert.equal(readFileSync(join(scratch, "stack.svg"), "utf8"), await svg());
  });

  test("says what is wrong, without a stack trace, and writes nothing", async () => {
    writeFileSync(join(scratch, "broken.json"), "{");
    for (const [args, message] of [
      [["--state", "missing.json"], /^\S+missing\.json cannot be read: ENOENT/],
      [["--state", "broken.json"], /^broken\.json is not an exported stack: it is not JSON\./],
      [["--stack", "homelab"], /^The command pulumi was not found\. Install it: https:/],
      [[], /^Set either a stack or an exported state/],
      [["--stack", "a", "--state", "b"], /^Set either a stack or an exported state/],
      [["--state", fixture, "--out", "no/folder.svg"], /folder\.svg cannot be written: ENOENT/],
    ] as const) {
      const { all, exitCode } = await graph(...args);
      assert.equal(exitCode, 1);
      assert.match(all, message);
      assert.doesNotMatch(all, /\n +at /);
    }
  });
});
