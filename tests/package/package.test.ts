import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { execa } from "execa";
import ts from "typescript";
import { repository } from "../../tools/repository.ts";

interface Manifest {
  readonly peerDependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
}
const manifest = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as Manifest;
const peers = Object.keys(manifest.peerDependencies);

/** A program of someone else's, in plain JavaScript: prints what it makes, and where it has its packages from. */
const javaScript = `
import { createRequire } from "node:module";
import * as gitlab from "@pulumi/gitlab";
import * as pulumi from "@pulumi/pulumi";
import { GitLabRunner } from "gitlab-runner-stack/gitlab-runner";

const made = [];
await pulumi.runtime.setMocks({
  newResource: ({ type, name, inputs, provider }) => {
    made.push({ type, name, inputs, provider });
    const answers = {
      "gitlab:index/userRunner:UserRunner": { token: "glrt-t3_aaaaaaaaaaaaaaaaaaaa" },
      "random:index/randomString:RandomString": { result: "ACCESSKEY" },
      "random:index/randomPassword:RandomPassword": { result: "secret" },
      "minio:index/iamPolicy:IamPolicy": { name: "policy" },
      "kubernetes:core/v1:Secret": { metadata: { name: \`\${name}-1a2b3c4d\` } },
      "kubernetes:helm.sh/v3:Release": { status: { name: "ci", status: "deployed" } },
    };
    return { id: type.endsWith(":UserRunner") ? "4711" : name, state: { ...inputs, ...answers[type] } };
  },
  call: () => ({}),
});
const provider = new gitlab.Provider("own", { baseUrl: "https://gitlab.example.com/api/v4/" });
const runner = new GitLabRunner(
  "ci",
  { registration: { runnerType: "project", projectId: 42, tags: ["ci"] }, manager: { concurrent: 8 } },
  { providers: [provider] },
);
await pulumi.runtime.disconnect();

const mine = createRequire(import.meta.url);
const theirs = createRequire(mine.resolve("gitlab-runner-stack/gitlab-runner"));
const packages = ${JSON.stringify(peers)}.map((name) => [name, mine.resolve(name), theirs.resolve(name)]);
const runnerId = await new Promise((resolve) => runner.runnerId.apply(resolve));
console.log(JSON.stringify({ made, packages, runnerId }));
`;

/** The same in TypeScript, with mistakes that its types must show. */
const typeScript = `
import * as gitlab from "@pulumi/gitlab";
import type * as pulumi from "@pulumi/pulumi";
import { GitLabRunner, type GitLabRunnerArgs } from "gitlab-runner-stack/gitlab-runner";

export const args: GitLabRunnerArgs = {
  registration: { runnerType: "project", projectId: 42, tags: ["ci"] },
  manager: { concurrent: 8 },
  jobs: { resources: { limits: { cpu: "2" } } },
};
const provider = new gitlab.Provider("own", { baseUrl: "https://gitlab.example.com/api/v4/" });
const runner = new GitLabRunner("ci", args, { providers: [provider] });
export const namespace: pulumi.Output<string> = runner.namespace;
// @ts-expect-error -- a number
new GitLabRunner("ci", { ...args, manager: { concurrent: "8" } });
// @ts-expect-error -- no such setting
new GitLabRunner("ci", { ...args, manager: { concurent: 8 } });
// @ts-expect-error -- no such output
runner.namespaces;
`;

interface Made {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
  readonly provider?: string;
}

describe("the package", { timeout: 180_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "gitlab-runner-package-"));
  const program = (name: string) => join(folder, name);

  async function npm(cwd: string, ...args: string[]): Promise<string> {
    const { stdout } = await execa("npm", [...args, "--loglevel=error"], { cwd, stdin: "ignore", timeout: 120_000 });
    return stdout;
  }

  before(async () => {
    await npm(repository, "pack", "--pack-destination", folder);
    // For registries that do not serve Pulumi's own.
    await npm(repository, "pack", "./sdks/gitlab/bin", "--pack-destination", folder);
    const tarballs = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
    const versions = peers
      .filter((name) => name !== "@pulumi/gitlab")
      .map((name) => [name, manifest.devDependencies[name]] as const);
    const dependencies = Object.fromEntries(versions);
    writeFileSync(program("package.json"), JSON.stringify({ type: "module", dependencies }));
    writeFileSync(program("program.js"), javaScript);
    writeFileSync(program("program.ts"), typeScript);
    // From npm's cache, where the packages are: those of the project's own versions.
    await npm(
      folder,
      "install",
      "--prefer-offline",
      "--ignore-scripts",
      "--no-audit",
      "--no-fund",
      ...tarballs.map((name) => `./${name}`),
    );
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test("runs in a program of someone else's, on that program's own Pulumi packages and providers", async () => {
    const { stdout } = await execa(process.execPath, [program("program.js")], { cwd: folder, timeout: 60_000 });
    const { made, packages, runnerId } = JSON.parse(stdout) as {
      made: Made[];
      packages: [string, string, string][];
      runnerId: number;
    };
    assert.equal(runnerId, 4711);
    for (const [name, mine, theirs] of packages) {
      assert.equal(theirs, mine, `${name} is there twice`);
      assert.ok(mine.startsWith(folder), `${name} is not the program's own, but ${mine}`);
    }
    const one = (type: string) => {
      const [first, ...others] = made.filter((resource) => resource.type === type);
      assert.ok(first !== undefined && others.length === 0, `not exactly one ${type}`);
      return first;
    };
    const userRunner = one("gitlab:index/userRunner:UserRunner");
    assert.equal(userRunner.inputs["projectId"], 42);
    assert.deepEqual(userRunner.inputs["tagLists"], ["ci"]);
    assert.match(userRunner.provider ?? "", /pulumi:providers:gitlab::own::/);
    const release = one("kubernetes:helm.sh/v3:Release");
    assert.equal(release.inputs["namespace"], "ci");
    const values = release.inputs["values"] as { concurrent: number; runners: { secret: string } };
    assert.equal(values.concurrent, 8);
    assert.equal(values.runners.secret, "ci-credentials-token-1a2b3c4d");
    assert.equal(one("minio:index/s3Bucket:S3Bucket").inputs["bucket"], "ci-cache");
  });

  test("has types that show mistakes, and a description of every argument", () => {
    const compiled = ts.createProgram([program("program.ts")], {
      module: ts.ModuleKind.NodeNext,
      target: ts.ScriptTarget.ES2024,
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: [],
    });
    const problems = ts.getPreEmitDiagnostics(compiled);
    assert.deepEqual(
      problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n")),
      [],
    );
    const source = compiled.getSourceFile(program("program.ts"));
    const checker = compiled.getTypeChecker();
    const module = source && checker.getSymbolAtLocation(source);
    const args = module && checker.getExportsOfModule(module).find(({ name }) => name === "args");
    assert.ok(args !== undefined);
    const described = describedKeys(checker, checker.getTypeOfSymbol(args), "");
    assert.deepEqual(
      described.filter(({ description }) => description === "").map(({ key }) => key),
      [],
      "arguments without a description",
    );
    const keys = described.map(({ key }) => key);
    for (const key of [".gitlabUrl", ".registration.tags", ".manager.concurrent", ".jobs.tolerations.effect"]) {
      assert.ok(keys.includes(key), `${key} is not among the arguments`);
    }
  });
});

/** @returns the keys of the package's own types, and what an editor shows of each */
function describedKeys(checker: ts.TypeChecker, type: ts.Type, path: string): { key: string; description: string }[] {
  return type.getProperties().flatMap((property) => {
    const key = `${path}.${property.name}`;
    const description = ts.displayPartsToString(property.getDocumentationComment(checker));
    const inner = ownTypes(checker, checker.getTypeOfSymbol(property), []);
    return [{ key, description }, ...inner.flatMap((own) => describedKeys(checker, own, key))];
  });
}

/**
 * @param around the types that this one is in, since that of JSON is in itself
 * @returns what can be in a value of a type, as far as this package declares it
 */
function ownTypes(checker: ts.TypeChecker, type: ts.Type, around: readonly ts.Type[]): ts.Type[] {
  const parts = type.isUnion()
    ? type.types
    : checker.isArrayType(type)
      ? checker.getTypeArguments(type as ts.TypeReference)
      : undefined;
  if (parts !== undefined) {
    return around.includes(type) ? [] : parts.flatMap((part) => ownTypes(checker, part, [...around, type]));
  }
  const isOwn = type
    .getProperties()
    .some(({ declarations = [] }) =>
      declarations.some((declaration) => declaration.getSourceFile().fileName.includes("/gitlab-runner-stack/dist/")),
    );
  return isOwn ? [type] : [];
}
