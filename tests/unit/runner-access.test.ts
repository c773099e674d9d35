import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RunnerAccess } from "../../components/runner-access.ts";
import { deploy, valueOf } from "./mock-engine.ts";

const args = { namespace: "ci", release: "gitlab-runner" };

interface Rule {
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

describe("RunnerAccess", { timeout: 20_000 }, () => {
  test("gives the manager the rights of the Kubernetes executor, pods/attach among them, and no wildcard", async () => {
    const { one, result } = await deploy(() => new RunnerAccess("access", args));
    const rules = one("kubernetes:rbac.authorization.k8s.io/v1:Role").inputs["rules"] as Rule[];
    const rights = rules.flatMap(({ resources, verbs }) =>
      resources.map((resource) => `${resource}: ${verbs.join(" ")}`),
    );
    assert.deepEqual(rights, [
      "pods: create delete get list watch",
      "pods/attach: create get",
      "pods/exec: create get",
      "pods/log: get",
      "secrets: create delete get update",
      "serviceaccounts: get",
      "services: create get",
      "events: list watch",
    ]);
    const binding = one("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding").inputs;
    assert.deepEqual(binding["subjects"], [{ kind: "ServiceAccount", name: "gitlab-runner", namespace: "ci" }]);
    assert.equal(await valueOf(result.managerAccount), "gitlab-runner");
  });

  test("gives jobs an account that no right is bound to, and no token", async () => {
    const { one, all, result } = await deploy(() => new RunnerAccess("access", args));
    const job = one("kubernetes:core/v1:ServiceAccount", "access-job").inputs;
    assert.deepEqual(job["metadata"], { name: "gitlab-runner-job", namespace: "ci" });
    assert.equal(job["automountServiceAccountToken"], false);
    assert.equal(await valueOf(result.jobAccount), "gitlab-runner-job");
    assert.equal(all("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding").length, 1);
  });
});
