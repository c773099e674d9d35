import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ESLint, Linter } from "eslint";
import { repository } from "../../tools/repository.ts";

const eslint = new ESLint({ cwd: repository });

/** @returns what the project's lint says of an import in a file; the rules of other matters are left out */
async function problems(file: string, code: string): Promise<string[]> {
  const config = (await eslint.calculateConfigForFile(join(repository, file))) as { rules: Linter.RulesRecord };
  const rules = Object.fromEntries(Object.entries(config.rules).filter(([name]) => name.startsWith("no-restricted-")));
  return new Linter().verify(code, [{ files: ["**"], rules }], file).map(({ message }) => message);
}

describe("imports go one way", { timeout: 60_000 }, () => {
  for (const [file, from] of [
    ["index.ts", "./tools/repository.ts"],
    ["components/linkerd.ts", "../tools/repository.ts"],
    ["components/config/rules.ts", "../../sandbox/sandbox-folder.ts"],
    ["components/linkerd.ts", "../tests/unit/mock-engine.ts"],
    ["tools/render.ts", "../sandbox/pulumi-stack.ts"],
    ["tools/doctor/checks/rbac.ts", "../../../sandbox/gitlab/model.ts"],
    ["tools/render.ts", "../tests/unit/mock-engine.ts"],
    ["sandbox/manager/job-pod.ts", "../../tests/unit/mock-engine.ts"],
    ["policy/policies.ts", "../components/kubeconfig.ts"],
    ["components/linkerd.ts", "../policy/runner-release.ts"],
  ] as const) {
    test(`${file} may not import ${from}`, async () => {
      for (const code of [`import { x } from "${from}";`, `export { x } from "${from}";`, `await import("${from}");`]) {
        assert.match((await problems(file, code)).join("\n"), /^.*components <- tools <- sandbox <- tests\.$/, code);
      }
    });
  }

  for (const [file, from] of [
    ["index.ts", "./components/gitlab-runner.ts"],
    ["tools/render.ts", "../components/config.ts"],
    ["tools/doctor.ts", "./doctor/check.ts"],
    ["sandbox/pulumi-stack.ts", "../tools/repository.ts"],
    ["sandbox/main.ts", "./built-tools.ts"],
    ["tests/rendering/render.test.ts", "../../sandbox/built-tools.ts"],
    ["components/linkerd.ts", "some-package/tools/x.js"],
  ] as const) {
    test(`${file} may import ${from}`, async () => {
      assert.deepEqual(await problems(file, `import { x } from "${from}";\nawait import("${from}");`), []);
    });
  }
});
