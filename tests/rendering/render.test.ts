import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, relative } from "node:path";
import { before, describe, test, type TestContext } from "node:test";
import { execa } from "execa";
import { parse as parseToml } from "smol-toml";
import { parse } from "yaml";
import { builtTools } from "../../tools/pinned-tools.ts";
import { kubernetesYaml, standInChart } from "../../tools/helm-template.ts";
import { writeFiles } from "../../tools/output-folder.ts";
import { listHeader } from "../../tools/rendered-files.ts";
import { renderStack } from "../../tools/render-stack.ts";
import { repository } from "../../tools/repository.ts";

const timeout = 120_000;
// The sandbox's Helm for all of it, since another may word its messages differently.
process.env["PATH"] = [dirname(builtTools().helm), process.env["PATH"]].join(delimiter);
const stacks = ["homelab", "group", "existing", "tls", "no-cache", "hardened"];
const update = "UPDATE_GOLDEN=1 node --test tests/rendering/render.test.ts";

function golden(stack: string): string {
  return join(import.meta.dirname, "../golden", stack);
}

/** The files of a folder, by path. */
function readFolder(folder: string): Map<string, string> {
  const files = readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(files.toSorted().map((file) => [relative(folder, file), readFileSync(file, "utf8")]));
}

/** Fails with the first line of each file that is not as it was. */
function assertSame(rendered: ReadonlyMap<string, string>, expected: ReadonlyMap<string, string>, name: string): void {
  const paths = [...new Set([...rendered.keys(), ...expected.keys()])].toSorted();
  const differences = paths.flatMap((path) => {
    const [now, before] = [rendered.get(path)?.split("\n"), expected.get(path)?.split("\n")];
    if (now === undefined || before === undefined) {
      return [`${path}: ${before === undefined ? "is new" : "is no longer rendered"}`];
    }
    const line = Array.from({ length: Math.max(now.length, before.length) }).findIndex((_, i) => now[i] !== before[i]);
    const shown = (lines: string[]) => lines[line] ?? "(end of file)";
    return line < 0 ? [] : [`${path}:${line + 1}\n  - ${shown(before)}\n  + ${shown(now)}`];
  });
  assert.ok(
    differences.length === 0,
    `tests/golden/${name} (-) is not what the stack renders (+):\n${differences.join("\n")}\n` +
      `If the change is meant, look it over and take it: ${update}`,
  );
}

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly stringData?: Readonly<Record<string, string>>;
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace: string }[];
  readonly spec?: {
    readonly template: {
      readonly spec: {
        readonly serviceAccountName: string;
        readonly volumes: readonly {
          readonly secret?: { readonly secretName: string };
          readonly configMap?: { readonly name: string };
          readonly projected?: { readonly sources: readonly { readonly secret: { readonly name: string } }[] };
        }[];
      };
    };
  };
}

/** The Kubernetes objects among a stack's files, by path. */
function manifestsIn(files: ReadonlyMap<string, string>): Map<string, Manifest> {
  return new Map(
    [...files]
      .filter(([path]) => path.startsWith("kubernetes/"))
      .map(([path, text]) => [path, parse(text, kubernetesYaml) as Manifest]),
  );
}

function tempFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "render-test-"));
  t.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Runs `npm run render -- ARGS`, less npm. */
async function render(args: readonly string[], env: Record<string, string> = {}) {
  return execa(process.execPath, [join(repository, "tools/render.ts"), ...args], { env, reject: false, timeout });
}

for (const stack of stacks) {
  describe(`the rendered stack ${stack}`, { timeout }, () => {
    let files: ReadonlyMap<string, string> = new Map();
    before(async () => {
      ({ files } = await renderStack(repository, stack, standInChart));
    });

    test("is as in its golden files", () => {
      if (process.env["UPDATE_GOLDEN"] === "1") {
        writeFiles(golden(stack), files);
      }
      assertSame(files, readFolder(golden(stack)), stack);
    });

    test("has objects that kubectl takes, each in a file of its name", () => {
      const objects = manifestsIn(files);
      assert.ok(objects.size > 0);
      for (const [path, { apiVersion, kind, metadata }] of objects) {
        assert.match(apiVersion, /^([a-z0-9.]+\/)?v[0-9a-z]+$/, path);
        const place = metadata.namespace === undefined ? "" : `${metadata.namespace}/`;
        assert.equal(path, `kubernetes/${place}${kind.toLowerCase()}-${metadata.name}.yaml`);
        assert.equal(metadata.namespace === undefined, kind === "Namespace", path);
      }
    });

    test("refers to nothing that it does not have", () => {
      const objects = manifestsIn(files);
      const needs = (kind: string, namespace: string, name: string) => {
        const path = `kubernetes/${namespace}/${kind.toLowerCase()}-${name}.yaml`;
        assert.ok(objects.has(path), `there is no ${path}`);
      };
      for (const { kind, metadata, roleRef, subjects, spec } of objects.values()) {
        const { namespace = "" } = metadata;
        assert.ok(namespace === "" || objects.has(`kubernetes/namespace-${namespace}.yaml`), namespace);
        if (roleRef !== undefined) {
          needs(roleRef.kind, namespace, roleRef.name);
          subjects?.forEach((subject) => {
            needs(subject.kind, subject.namespace, subject.name);
          });
        }
        if (kind === "Deployment" && spec !== undefined) {
          const { serviceAccountName, volumes } = spec.template.spec;
          needs("ServiceAccount", namespace, serviceAccountName);
          for (const { secret, configMap, projected } of volumes) {
            [secret?.secretName, ...(projected?.sources ?? []).map((source) => source.secret.name)]
              .filter((name) => name !== undefined)
              .forEach((name) => {
                needs("Secret", namespace, name);
              });
            if (configMap !== undefined) {
              needs("ConfigMap", namespace, configMap.name);
            }
          }
        }
      }
      const { runners } = parseToml(files.get("config.toml") ?? "") as unknown as {
        runners: [
          { kubernetes: { namespace: string; service_account: string; volumes?: { config_map: [{ name: string }] } } },
        ];
      };
      const { namespace, service_account, volumes } = runners[0].kubernetes;
      needs("ServiceAccount", namespace, service_account);
      volumes?.config_map.forEach(({ name }) => {
        needs("ConfigMap", namespace, name);
      });
    });

    test("shows no secret, and nothing that stands in for one", () => {
      for (const [path, text] of files) {
        const withoutCertificates = text.replace(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs, "");
        for (const pattern of [
          /gl(rt|pat)-\w/i,
          /not-decrypted|replace me|9007199254740991/,
          /PRIVATE KEY/,
          /\b(?=[A-Z0-9]*\d)[A-Z0-9]{20}\b/,
          /\b[A-Za-z0-9]{40}\b/,
        ]) {
          assert.doesNotMatch(withoutCertificates, pattern, path);
        }
      }
      for (const [path, { kind, stringData }] of manifestsIn(files)) {
        if (kind === "Secret") {
          assert.ok(Object.keys(stringData ?? {}).length > 0, path);
          for (const value of Object.values(stringData ?? {})) {
            assert.match(value, /^(\[secret(, known after apply)?\])?$/, path);
          }
        }
      }
    });
  });
}

describe("golden files", { timeout }, () => {
  test("that someone has changed are told apart, with the way to renew them", () => {
    const expected = new Map([
      ["a.yaml", "x: 1\ny: 2\n"],
      ["gone.yaml", ""],
    ]);
    const rendered = new Map([
      ["a.yaml", "x: 1\ny: 3\n"],
      ["new.yaml", ""],
    ]);
    assert.throws(
      () => {
        assertSame(rendered, expected, "homelab");
      },
      {
        message:
          "tests/golden/homelab (-) is not what the stack renders (+):\n" +
          "a.yaml:2\n  - y: 2\n  + y: 3\ngone.yaml: is no longer rendered\nnew.yaml: is new\n" +
          `If the change is meant, look it over and take it: ${update}`,
      },
    );
  });

  test("are there for these stacks and no others", () => {
    assert.deepEqual(readdirSync(join(import.meta.dirname, "../golden")).toSorted(), stacks.toSorted());
    const examples = readdirSync(join(repository, "examples")).filter((file) => file.startsWith("Pulumi."));
    assert.deepEqual(
      examples.toSorted(),
      stacks
        .filter((stack) => stack !== "homelab")
        .map((stack) => `Pulumi.${stack}.yaml`)
        .toSorted(),
    );
  });
});

describe("examples", () => {
  for (const stack of stacks.slice(1)) {
    test(`${stack} says on top how to use it`, () => {
      const file = readFileSync(join(repository, "examples", `Pulumi.${stack}.yaml`), "utf8");
      const comment = file.slice(0, file.indexOf("\nconfig:"));
      assert.match(comment, new RegExp(`cp examples/Pulumi\\.${stack}\\.yaml Pulumi\\.production\\.yaml`));
      assert.match(comment, /pulumi stack init production[^]*pulumi up/);
    });
  }
});

describe("npm run render", { timeout }, () => {
  test("writes the files, says where, and writes the same again", async (t) => {
    const out = join(tempFolder(t), "out");
    const args = ["--stack", "hardened", "--chart", standInChart, "--out", out];
    const first = await render(args);
    assert.equal(first.exitCode, 0, first.stderr);
    const written = readFolder(out);
    assertSame(written, readFolder(golden("hardened")), "hardened");
    assert.match(
      first.stdout,
      /^examples\/Pulumi\.hardened\.yaml, as files in .*out:\n(.*\n)* {2}kubernetes\/ {2}\d+ objects\n/,
    );
    assert.match(first.stdout, /stand-in for GitLab's own/);
    const second = await render(args);
    assert.equal(second.stdout, first.stdout);
    assertSame(readFolder(out), written, "hardened");
  });

  test("replaces its own files and no others", async (t) => {
    const out = tempFolder(t);
    const homelab = (await renderStack(repository, "homelab", standInChart)).files;
    const noCache = (await renderStack(repository, "no-cache", standInChart)).files;
    writeFiles(out, homelab);
    writeFiles(out, noCache);
    assertSame(readFolder(out), noCache, "no-cache");

    writeFileSync(join(out, "notes.txt"), "mine");
    const { exitCode, stderr, stdout } = await render(["--stack", "homelab", "--chart", standInChart, "--out", out]);
    assert.equal(exitCode, 1);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      /^.* contains files that were not rendered: notes\.txt\.\nThey are not changed; set another folder/,
    );
    assertSame(readFolder(out), new Map([...noCache, ["notes.txt", "mine"]]), "no-cache");
  });

  test("leaves a folder alone that has only a list like its own", (t) => {
    const out = tempFolder(t);
    writeFileSync(join(out, "rendered.yaml"), "files: [rendered.yaml]\n");
    assert.throws(() => {
      writeFiles(out, new Map([["a", "a"]]));
    }, /contains files that were not rendered: rendered\.yaml/);
    const broken = tempFolder(t);
    writeFiles(broken, new Map([["rendered.yaml", `# ${listHeader}\nfiles: [a\n`]]));
    writeFileSync(join(broken, "a"), "a");
    assert.throws(() => {
      writeFiles(broken, new Map([["b", "b"]]));
    }, /contains files that were not rendered: a\./);
    const file = join(out, "rendered.yaml");
    assert.throws(() => {
      writeFiles(file, new Map([["a", "a"]]));
    }, /rendered\.yaml is a file; set a folder with --out/);
  });

  test("names the stacks there are, when it is asked for another", async () => {
    for (const stack of ["homelob", "../../homelab"]) {
      const { exitCode, stderr } = await render(["--stack", stack]);
      assert.equal(exitCode, 1);
      assert.match(stderr, /^There is no stack .*\. Stack files: Pulumi\.homelab\.yaml, .*examples\/Pulumi\.tls\.yaml/);
      assert.doesNotMatch(stderr, /\n {4}at /);
    }
  });

  test("says that there is no such chart, or none of GitLab's", async (t) => {
    const missing = await render(["--stack", "homelab", "--chart", "no/such/chart.tgz"]);
    assert.equal(missing.exitCode, 1);
    assert.match(missing.stderr, /^There is no chart \/.*no\/such\/chart\.tgz\.$/);
    const folder = tempFolder(t);
    const wrong = await render(["--stack", "homelab", "--chart", folder]);
    assert.equal(wrong.exitCode, 1);
    assert.match(wrong.stderr, /^Helm cannot render the chart .*:\nError: Chart\.yaml file is missing$/);
  });

  test("says how to get Helm where there is none", async (t) => {
    const { exitCode, stderr } = await render(["--stack", "homelab"], { PATH: "", XDG_CACHE_HOME: tempFolder(t) });
    assert.equal(exitCode, 1);
    assert.match(stderr, /^Helm, .*was not found\. Install it, .*\n {2}npm run sandbox -- tools$/);
  });

  test("takes the Helm on PATH, and hands it no value as an argument", async (t) => {
    const bin = tempFolder(t);
    const record = join(bin, "arguments");
    const script = `#!/bin/sh\necho "$@" > '${record}'\nexec '${builtTools().helm}' "$@"\n`;
    writeFileSync(join(bin, "helm"), script);
    chmodSync(join(bin, "helm"), 0o755);
    const { exitCode, stderr } = await render(
      ["--stack", "existing", "--chart", standInChart, "--out", join(bin, "out")],
      { PATH: `${bin}:${process.env["PATH"] ?? ""}` },
    );
    assert.equal(exitCode, 0, stderr);
    assert.equal(
      readFileSync(record, "utf8").replaceAll(/ --api-versions \S+/g, ""),
      `template gitlab-runner ${standInChart} --namespace gitlab-runner --include-crds --values -\n`,
    );
  });
});
