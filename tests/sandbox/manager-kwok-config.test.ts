import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { execa } from "execa";
import { parseAllDocuments } from "yaml";
import {
  jobFolder,
  kwokArguments,
  kwokConfig,
  kwokEnvironment,
  jobPrograms,
  makeJobFolder,
  makeJobPrograms,
  unprivilegedId,
} from "../../sandbox/kwok/kwok-config.ts";

test("commands of pods run in the job folder, never as root", async (t) => {
  const state = await mkdtemp(join(tmpdir(), "kwok-config-"));
  t.after(() => rm(state, { recursive: true, force: true }));
  const folder = makeJobFolder(state);
  t.after(() => rm(folder, { recursive: true, force: true }));
  assert.equal(folder, jobFolder(state));
  const { mode, uid } = await stat(folder);
  assert.equal(mode & 0o777, 0o700);
  const root = process.getuid?.() === 0;
  assert.equal(uid, root ? unprivilegedId : process.getuid?.());

  const documents = parseAllDocuments(kwokConfig(state, 1234)).map(
    (one) => one.toJS() as { kind: string; spec: object },
  );
  assert.deepEqual(
    new Set(documents.map(({ kind }) => kind)),
    new Set(["Stage", "ClusterLogs", "ClusterExec", "ClusterPortForward"]),
  );
  const local = documents.find(({ kind }) => kind === "ClusterExec")?.spec as {
    execs: [{ local: { workDir: string; securityContext?: object } }];
  };
  assert.equal(local.execs[0].local.workDir, folder);
  const nobody = { runAsUser: unprivilegedId, runAsGroup: unprivilegedId };
  assert.deepEqual(local.execs[0].local.securityContext, root ? nobody : undefined);
});

test("a job folder is one that its user can enter", async (t) => {
  // mkdtemp's folders are closed to others, which for root means another place.
  const state = await mkdtemp(join(tmpdir(), "kwok-config-"));
  t.after(() => rm(state, { recursive: true, force: true }));
  assert.equal(jobFolder(state).startsWith(state), process.getuid?.() !== 0);
});

test("what the real runner calls by name can be run by the user of jobs, wherever the checkout is", async (t) => {
  const state = await mkdtemp(join(tmpdir(), "kwok-config-"));
  t.after(() => rm(state, { recursive: true, force: true }));
  const folder = makeJobFolder(state);
  t.after(() => rm(folder, { recursive: true, force: true }));
  makeJobPrograms(state);
  // Once more, as for a sandbox that was cut off.
  makeJobPrograms(state);
  assert.equal(kwokEnvironment(state)["PATH"]?.split(":")[0], jobPrograms(state));
  assert.ok(
    jobPrograms(state).startsWith(`${folder}/`),
    "it must not be in the checkout, which may be closed to others",
  );

  const user = process.getuid?.() === 0 ? { uid: unprivilegedId, gid: unprivilegedId } : {};
  const build = join(jobPrograms(state), "gitlab-runner-build");
  const { stdout } = await execa(build, { ...user, cwd: folder, input: 'echo "${BASH_VERSION:+bash}"; id --user' });
  assert.equal(stdout, `bash\n${user.uid ?? process.getuid?.()}`);
});

test("kwok listens on loopback only, and hands no secret of the sandbox to jobs", () => {
  const args = kwokArguments({
    kubeconfig: "k",
    node: "n",
    port: 1234,
    certificateFile: "c",
    keyFile: "p",
    configFile: "f",
  });
  assert.equal(args[args.indexOf("--server-address") + 1], "127.0.0.1:1234");
  assert.deepEqual(Object.keys(kwokEnvironment("/s")).sort(), ["HOME", "LANG", "PATH"]);
});
