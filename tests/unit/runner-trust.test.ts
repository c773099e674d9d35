import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { RunnerTrust } from "../../components/runner-trust.ts";
import { caCertificate } from "./config-arbitrary.ts";
import { findMessage, problemsIn } from "./config-reading.ts";
import { deploy } from "./mock-engine.ts";

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const keyPem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
/** As `openssl s_client -showcerts` prints certificates, with more of the file behind them. */
const bundle = ` 0 s:CN = Test CA\r\n${caCertificate}---\n${keyPem}# the next one\n${caCertificate}`;

describe("RunnerTrust", { timeout: 20_000 }, () => {
  const trust = (certificate: string) =>
    deploy(
      () =>
        new RunnerTrust("trust", {
          caCertificate: pulumi.output(certificate),
          gitlabUrl: "https://gitlab.example.com:8443/gitlab",
          namespace: "ci",
          jobNamespace: "ci-jobs",
        }),
    );

  for (const [title, text] of [
    ["the certificates", caCertificate],
    ["no private key, which nobody has seen in an Output", keyPem + caCertificate + keyPem],
  ] as const) {
    test(`gives manager and jobs, where each looks for it, ${title}`, async () => {
      const { one } = await trust(text);
      const secret = one("kubernetes:core/v1:Secret").inputs;
      assert.deepEqual(secret["stringData"], { "gitlab.example.com.crt": caCertificate });
      assert.deepEqual(one("kubernetes:core/v1:ConfigMap").inputs["data"], { "ca.crt": caCertificate });
    });
  }

  test("has a fix that takes the certificates out of a file with more in it", async (t) => {
    await deploy(() => undefined); // Names project and stack.
    const folder = mkdtempSync(join(tmpdir(), "runner-trust-"));
    t.after(() => {
      rmSync(folder, { recursive: true });
    });
    writeFileSync(join(folder, "ca.pem"), bundle);
    const [problem] = problemsIn(findMessage({ values: { projectId: 1, caCertificate: bundle } }) ?? "");
    const [, command = ""] = /"\$\((.*)\)"$/.exec(problem?.fix ?? "") ?? [];
    const fixed = execFileSync("sh", ["-c", command], { cwd: folder, encoding: "utf8" });
    assert.equal(fixed, caCertificate + caCertificate);
    assert.equal(findMessage({ values: { projectId: 1, caCertificate: fixed } }), undefined);
  });
});
