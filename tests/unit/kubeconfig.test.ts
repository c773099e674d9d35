import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { inspect } from "node:util";
import { stringify } from "yaml";
import { loadKubeConfig } from "../../tools/clients/kubeconfig.ts";

const content = {
  "current-context": "home",
  clusters: [
    { name: "home", cluster: { server: "https://home.example.com" } },
    { name: "work", cluster: { server: "https://work.example.com" } },
  ],
  users: [{ name: "me", user: {} }],
  contexts: ["home", "work"].map((name) => ({ name, context: { cluster: name, user: "me" } })),
};

describe("loadKubeConfig", () => {
  const home = mkdtempSync(join(tmpdir(), "kubeconfig-test-"));
  const file = join(home, "kubeconfig");

  before(() => {
    writeFileSync(file, stringify(content));
    Object.assign(process.env, { HOME: home, KUBECONFIG: file });
  });
  after(() => {
    rmSync(home, { recursive: true, force: true });
  });

  for (const [title, kubeconfig] of [
    ["a file", file],
    ["a file in the user's home", "~/kubeconfig"],
    ["YAML", stringify(content)],
    ["JSON", ` ${JSON.stringify(content)}`],
    ["the user's own", undefined],
  ] as const) {
    test(`takes ${title}`, () => {
      const server = (context?: string) => loadKubeConfig({ kubeconfig, context }).getCurrentCluster()?.server;
      assert.equal(server(), "https://home.example.com");
      assert.equal(server("work"), "https://work.example.com");
    });
  }

  test("merges the user's own files: the first counts, a missing one does not, and paths are relative to the file", () => {
    const second = join(home, "second");
    const work = { name: "work", cluster: { server: "https://second.example.com" } };
    const other = {
      name: "other",
      cluster: { server: "https://other.example.com", "certificate-authority": "ca.crt" },
    };
    const contexts = [{ name: "other", context: { cluster: "other", user: "you" } }];
    const users = [{ name: "you", user: { "client-key": "/key", "client-certificate": "certificate" } }];
    writeFileSync(second, stringify({ "current-context": "other", clusters: [work, other], users, contexts }));
    process.env["KUBECONFIG"] = [join(home, "missing"), file, second].join(delimiter);
    const load = (context?: string) => loadKubeConfig({ kubeconfig: undefined, context });
    assert.equal(load().getCurrentContext(), "home");
    assert.equal(load("work").getCurrentCluster()?.server, "https://work.example.com");
    assert.equal(load("other").getCurrentCluster()?.caFile, join(home, "ca.crt"));
    assert.partialDeepStrictEqual(load("other").getCurrentUser(), {
      keyFile: "/key",
      certFile: join(home, "certificate"),
    });
    process.env["KUBECONFIG"] = file;
  });

  test("says which contexts there are in place of one that is missing", () => {
    assert.throws(() => loadKubeConfig({ kubeconfig: file, context: "other" }), {
      message: 'the kubeconfig has no context "other"; it has home, work',
    });
    assert.throws(() => loadKubeConfig({ kubeconfig: "{}", context: "other" }), {
      message: 'the kubeconfig has no context "other"; it has none',
    });
  });

  test("names a file that is missing", () => {
    assert.throws(() => loadKubeConfig({ kubeconfig: "~/nowhere", context: undefined }), {
      message: `no such file: ${home}/nowhere`,
    });
  });

  for (const [title, kubeconfig, message] of [
    ["text that is no YAML", "users:\n- token: [s3cr3t\nx: y", /^the text is not YAML: see line \d+, column \d+$/],
    ["text with an alias of nothing", "users:\n- token: *s3cr3t", /^the text is not YAML$/],
    ["text of another kind", "- s3cr3t\n- s3cr3t", /^the text is not a kubeconfig: see its first line$/],
    [
      "a cluster without a server",
      "clusters:\n- name: s3cr3t",
      /^the text is not a kubeconfig: see clusters\[0\]\.cluster$/,
    ],
    ["text in base64", Buffer.from("users: s3cr3t").toString("base64"), /^no such file; as text, /],
    ["a file that is none", file, /kubeconfig-test-.*\/kubeconfig is not YAML: see line 1, column 22$/],
  ] as const) {
    test(`quotes nothing of ${title}`, (t) => {
      writeFileSync(file, "users: {token: s3cr3t");
      const warn = t.mock.method(process, "emitWarning", () => undefined);
      assert.throws(
        () => loadKubeConfig({ kubeconfig, context: undefined }),
        (error: Error) => {
          assert.match(error.message, message);
          assert.doesNotMatch(inspect(error), /s3cr3t|czNjcjN0/);
          return true;
        },
      );
      assert.equal(warn.mock.callCount(), 0);
    });
  }
});
