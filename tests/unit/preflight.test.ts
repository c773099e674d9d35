import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { after, before, describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import getPort from "get-port";
import { checkReachable } from "../../components/preflight.ts";
import type { RunnerRegistrationArgs } from "../../components/runner-registration.ts";
import { cacheSettings } from "../../components/settings/cache.ts";
import { deploy } from "./mock-engine.ts";

const cache = cacheSettings.parse({});
const registration: RunnerRegistrationArgs = { runnerType: "project", projectId: 1, tags: [] };

function kubeconfig(server: string): string {
  return JSON.stringify({
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test" } }],
    clusters: [{ name: "test", cluster: { server } }],
  });
}

describe("checkReachable", { timeout: 20_000 }, () => {
  let server: Server;
  let open: string;
  let closed: string;
  const environment = { ...process.env };

  before(async () => {
    await deploy(() => undefined);
    server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    open = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    closed = `127.0.0.1:${await getPort({ host: "127.0.0.1" })}`;
    const { HTTPS_PROXY, https_proxy, GITLAB_BASE_URL, MINIO_ENDPOINT, KUBECONFIG, ...others } = process.env;
    process.env = others;
  });
  after(() => {
    server.close();
    process.env = environment;
  });

  function configure(gitlab: string, minio: string, kubernetes: string): void {
    pulumi.runtime.setAllConfig({
      "gitlab:baseUrl": `http://${gitlab}/api/v4/`,
      "minio:minioServer": minio,
      "kubernetes:kubeconfig": kubeconfig(`https://${kubernetes}`),
    });
  }

  test("is content when all servers accept connections", async () => {
    configure(open, open, open);
    await checkReachable({ cache, registration });
  });

  test("names every server that does not, with its address and the key to fix", async () => {
    configure(closed, closed, closed);
    await assert.rejects(checkReachable({ cache, registration }), (error: Error) => {
      assert.ok(error instanceof pulumi.RunError);
      assert.match(error.message, new RegExp(`GitLab at http://${closed} \\(from gitlab:baseUrl\\): ECONNREFUSED`));
      assert.match(error.message, new RegExp(`MinIO at http://${closed} \\(from minio:minioServer\\): ECONNREFUSED`));
      assert.match(
        error.message,
        new RegExp(`Kubernetes at https://${closed} \\(from context test of kubernetes:kubeconfig\\)`),
      );
      assert.match(error.message, /pulumi config set minio:minioServer/);
      assert.match(error.message, /Nothing was created or changed\.$/);
      return true;
    });
  });

  test("asks for MinIO's address, but not without a cache", async () => {
    configure(open, "", open);
    await assert.rejects(checkReachable({ cache, registration }), /minio:minioServer is not set/);
    await checkReachable({ cache: false, registration });
  });

  for (const [title, config, message] of [
    [
      "a kubeconfig that is none",
      { "kubernetes:kubeconfig": "users:\n- token: [s3cr3t" },
      /^kubernetes:kubeconfig must be a kubeconfig or the path of one: the text is not YAML: see line 2/,
    ],
    [
      "an address that is none",
      { "gitlab:baseUrl": "https://me:s3cr3t@git lab/api/v4" },
      /^gitlab:baseUrl must be an address .* but is "https:\/\/\[secret\]@git lab\/api\/v4"/,
    ],
    [
      "a server that is none",
      { "minio:minioServer": "me:s3cr3t@min io" },
      /^minio:minioServer must be an address .* but is "http:\/\/\[secret\]@min io"/,
    ],
    [
      "a server that does not answer",
      { "minio:minioServer": "me:s3cr3t@127.0.0.1:1" },
      /MinIO at http:\/\/127.0.0.1:1 /,
    ],
  ] as const) {
    test(`does not quote the secret of ${title}`, async () => {
      configure(open, open, open);
      pulumi.runtime.setAllConfig({ ...pulumi.runtime.allConfig(), ...config });
      await assert.rejects(checkReachable({ cache, registration }), (error: Error) => {
        assert.ok(error instanceof pulumi.RunError);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /s3cr3t/);
        assert.match(error.message, /Nothing was created or changed\.$/);
        return true;
      });
    });
  }

  test("explains an address that is none", async () => {
    pulumi.runtime.setAllConfig({ "gitlab:baseUrl": "gitlab" });
    await assert.rejects(
      checkReachable({ cache: false, registration }),
      /gitlab:baseUrl must be an address such as .* but is "gitlab"/,
    );
  });
});
