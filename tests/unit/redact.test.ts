import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { execa } from "execa";
import { redactor } from "../../tools/redactor.ts";
import { repository } from "../../tools/repository.ts";

const folder = mkdtempSync(join(tmpdir(), "gitlab-runner-redact-"));
after(() => {
  rmSync(folder, { recursive: true });
});

/** Variables of a job, each with another secret, that no pattern of known tokens fits. */
const variables = {
  GITLAB_TOKEN: "old-style-Zx81vQ",
  NOTE_TOKEN: "a/token+with=signs",
  CI_JOB_TOKEN: "64_vXk2Rw",
  MINIO_PASSWORD: 'quote"and\\backslash',
  PULUMI_CONFIG_PASSPHRASE: "correct horse battery",
  PULUMI_ACCESS_TOKEN: "pulumi-cloud-09",
  AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/K7MDENG",
  CI_REGISTRY_PASSWORD: "registry-55",
};

describe("redactor", () => {
  for (const [name, secret] of Object.entries(variables)) {
    test(`replaces ${name}: as it is, in JSON, in a URL, and in base64 wherever it begins`, () => {
      const redact = redactor(variables);
      const encoded = ["", "u", "us", "user:"].map((before) => Buffer.from(`${before}${secret}`).toString("base64"));
      const urlSafe = Buffer.from(`??${secret}`).toString("base64url");
      for (const form of [secret, JSON.stringify(secret), encodeURIComponent(secret), ...encoded, urlSafe]) {
        const shown = redact(`+ value: <${form}>\n`);
        assert.match(shown, /^\+ value: <.{0,9}\[secret\].{0,3}>\n$/, form);
      }
    });
  }

  test("replaces what a variable of type File has, as a whole or beside the names of secrets", () => {
    const kubeconfig = join(folder, "KUBECONFIG");
    const passphrase = join(folder, "PULUMI_CONFIG_PASSPHRASE_FILE");
    writeFileSync(
      kubeconfig,
      "clusters:\n  - name: production\nusers:\n  - name: deployer\n    user:\n      token: opaque-token-1\n" +
        '      client-key-data: "S0VZLURBVEE="\n',
    );
    writeFileSync(passphrase, "from a file\n");
    const redact = redactor({ KUBECONFIG: kubeconfig, PULUMI_CONFIG_PASSPHRASE_FILE: passphrase });
    assert.equal(
      redact("deployer: opaque-token-1, S0VZLURBVEE=, from a file; production"),
      "deployer: [secret], [secret], [secret]; production",
    );
    assert.equal(redact(kubeconfig), kubeconfig);
  });

  test("replaces the password in a URL", () => {
    const redact = redactor({ HTTPS_PROXY: "http://me:p%40ssw0rd%21@proxy.example.com:3128" });
    assert.equal(redact("http://me:p%40ssw0rd%21@proxy, p@ssw0rd!"), "http://me:[secret]@proxy, [secret]");
  });

  test("replaces what is a secret by its looks, without being told of it", () => {
    const redact = redactor({});
    const parts = ["eyJhbGciOiJSUzI1NiJ9", "eyJzdWIiOiJzeXN0ZW0ifQ", "c2lnbmF0dXJl"];
    const begin = "-----BEGIN RSA PRIVATE KEY-----";
    for (const secret of [
      "glrt-t3_abcdefghij0123456789",
      "glpat-abcdefghij0123456789",
      parts.join("."),
      `pul-${"0a".repeat(20)}`,
      `${begin}\nMIIEow\n${begin.replace("BEGIN", "END")}`,
    ]) {
      assert.equal(redact(`<${secret}>`), "<[secret]>");
    }
  });

  test("leaves everything else as it is", () => {
    const redact = redactor({ CI_PROJECT_NAME: "infrastructure", GITLAB_TOKEN: "short", MINIO_USER: "administrator" });
    const text = "infrastructure, short, administrator, gitlab-runner";
    assert.equal(redact(text), text);
  });
});

test(
  "node tools/redact.ts replaces in what it is given on stdin, and changes nothing else",
  { timeout: 30_000 },
  async () => {
    const { stdout } = await execa(process.execPath, [join(repository, "tools/redact.ts")], {
      input: `before\n  ${variables.MINIO_PASSWORD}\n\nafter\n`,
      env: variables,
      stripFinalNewline: false,
    });
    assert.equal(stdout, "before\n  [secret]\n\nafter\n");
  },
);
