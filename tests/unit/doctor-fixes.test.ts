import assert from "node:assert/strict";
import { hostname } from "node:os";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { CheckResult } from "../../tools/doctor/check.ts";
import { cutOff } from "../../tools/doctor/checks/cut-off.ts";
import { judge } from "../../tools/doctor/checks/drift.ts";
import { madeDuringUpdate } from "../../tools/doctor/own-bucket.ts";
import { unknownCopies } from "../../tools/doctor/checks/orphaned-credentials.ts";
import { changedFields, objectsIn } from "../../tools/doctor/checks/release-objects.ts";
import { enabledByHand } from "../../tools/doctor/checks/runner-projects.ts";
import type { DoctorContext } from "../../tools/doctor/context.ts";
import { clearRelease, isOwnRelease } from "../../tools/doctor/fixes/clear-release.ts";
import { consent } from "../../tools/doctor/fixes/consent.ts";
import type { Fix } from "../../tools/doctor/fixes/fix.ts";
import { withoutResources } from "../../tools/doctor/fixes/forget-resources.ts";
import { planFixes } from "../../tools/doctor/fixes/plan.ts";
import { putBack } from "../../tools/doctor/fixes/put-back.ts";
import { renew } from "../../tools/doctor/fixes/renew.ts";
import type { HelmRelease } from "../../tools/clients/kubernetes.ts";
import { lockOwner, readHeld } from "../../tools/doctor/stack-lock.ts";
import {
  ownsNamespace,
  readExportedState,
  resourceTypes,
  type ExportedState,
  type StateResource,
} from "../../tools/doctor/stack-state.ts";

const urnOf = (type: string, name: string) =>
  `urn:pulumi:x::gitlab-runner::gitlab-runner:index:BuildCache$${type}::${name}`;

function resource(type: string, name: string, parts: Partial<StateResource> = {}): StateResource {
  return { urn: urnOf(type, name), type, id: name, custom: true, ...parts };
}

function stateOf(resources: readonly StateResource[], pending: readonly StateResource[] = []): ExportedState {
  const operations = pending.map((one) => ({ type: "creating", resource: one }));
  return readExportedState(
    JSON.stringify({ version: 3, deployment: { resources, pending_operations: operations, secrets_providers: {} } }),
  );
}

const user = resource(resourceTypes.user, "user", { id: "AKIAUSER" });
const policy = resource(resourceTypes.policy, "policy");
const attachment = resource(resourceTypes.attachment, "attachment", {
  id: "AKIAUSER-20261124",
  dependencies: [user.urn, policy.urn],
});
const secret = resource(resourceTypes.secret, "cache", {
  id: "ci/cache",
  dependencies: [attachment.urn, user.urn],
  propertyDependencies: { stringData: [attachment.urn, user.urn], metadata: null },
});

describe("planFixes", () => {
  const fix = (id: string, stage: Fix["stage"], parts: Partial<Fix> = {}): Fix => ({
    ...{ id, stage, title: id, commands: [], certain: true, run: () => Promise.resolve() },
    ...parts,
  });
  const finding = (...fixes: readonly Fix[]): CheckResult => ({
    ...{ id: "a", title: "", status: "problem", found: "", todo: null },
    fixes,
  });
  const ids = (results: readonly CheckResult[], ...tried: readonly string[]) =>
    planFixes(results, new Set(tried), "x").map(({ id }) => id);

  test("does each once, and deploys when all that is in the way is gone", () => {
    const deploy = putBack("x");
    assert.deepEqual(
      ids([
        finding(deploy),
        finding(fix("pod", "left-behind")),
        finding(fix("project 1", "gitlab"), fix("project 2", "gitlab")),
        finding(fix("state", "state")),
        finding(deploy),
        finding(fix("release", "release")),
      ]),
      ["release", "state", "project 1", "project 2", "pod", "put-back"],
    );
  });

  test("keeps a last resort until nothing else has helped, and tries nothing twice", () => {
    const renewed = fix("renew", "deploy", { lastResort: true });
    const token = finding(putBack("x"), renewed);
    assert.deepEqual(ids([token]), ["put-back"]);
    assert.deepEqual(ids([token], "put-back"), ["renew"]);
    assert.deepEqual(ids([token], "put-back", "renew"), []);
    assert.deepEqual(ids([finding(renewed)]), ["renew"]);
  });

  test("deploys again once something was cleared out of its way", () => {
    const cleared = finding(fix("release", "release", { thenDeploy: true }));
    assert.deepEqual(ids([cleared, finding(putBack("x"))], "put-back"), ["release", "put-back"]);
    assert.deepEqual(ids([finding(putBack("x"))], "put-back"), []);
  });
});

describe("consent", () => {
  const own = { title: "", certain: true };
  const unknown = { title: "", certain: false };

  test("without a terminal, --yes does what is the stack's own and nothing else", async () => {
    const decide = consent({ yes: true, isTerminal: false });
    assert.equal((await decide(own)).yes, true);
    const refused = await decide(unknown);
    assert.equal(refused.yes, false);
    assert.match(refused.why ?? "", /someone else/);
    assert.equal((await consent({ yes: false, isTerminal: false })(own)).yes, false);
  });
});

describe("withoutResources", () => {
  test("takes a resource away, and every word of it in others, and leaves the rest", () => {
    const left = withoutResources(stateOf([user, policy, attachment, secret]), [attachment]);
    assert.deepEqual(
      left,
      stateOf([
        user,
        policy,
        {
          ...secret,
          dependencies: [user.urn],
          propertyDependencies: { stringData: [user.urn], metadata: null },
        },
      ]),
    );
  });

  test("tells the one that is about to be deleted from the live one of its name", () => {
    const old = { ...user, id: "AKIAOLD", delete: true };
    const left = withoutResources(stateOf([user, attachment, old]), [old]);
    assert.deepEqual(left, stateOf([user, attachment]), "what depends on the live one still does");
  });

  test("does not touch what has parts", () => {
    const part = resource(resourceTypes.policy, "part", { parent: user.urn });
    assert.throws(() => withoutResources(stateOf([user, part]), [user]), /has parts in the state: IamPolicy part/);
  });

  test("leaves no reference to what is gone, whatever depends on what", () => {
    const names = ["a", "b", "c", "d", "e", "f"];
    const urns = names.map((name) => urnOf(resourceTypes.policy, name));
    const anyResource = (name: string) =>
      fc
        .record({
          dependencies: fc.option(fc.subarray(urns)),
          propertyDependencies: fc.option(fc.dictionary(fc.constantFrom("p", "q"), fc.option(fc.subarray(urns)))),
          deletedWith: fc.option(fc.constantFrom(...urns), { nil: undefined }),
          inputs: fc.dictionary(fc.string(), fc.jsonValue()),
        })
        .map((parts) => resource(resourceTypes.policy, name, parts as Partial<StateResource>));
    fc.assert(
      fc.property(fc.tuple(...names.map(anyResource)), fc.subarray(names), (resources, gone) => {
        const before = stateOf(resources);
        const isGone = (name: string | undefined) => gone.includes(name ?? "");
        const after = withoutResources(
          before,
          resources.filter(({ id }) => isGone(id)),
        );
        const text = JSON.stringify(after);
        assert.ok(gone.every((name) => !text.includes(JSON.stringify(urnOf(resourceTypes.policy, name)))));
        const kept = before.deployment?.resources?.filter(({ id }) => !isGone(id)) ?? [];
        assert.deepEqual(
          after.deployment?.resources?.map(({ urn, inputs }) => ({ urn, inputs })),
          kept.map(({ urn, inputs }) => ({ urn, inputs })),
        );
      }),
    );
  });
});

describe("drift", () => {
  const state = stateOf([user, policy, attachment, secret]);
  const error = (urn: string | undefined, message: string) => ({ urn, message, severity: "error" });
  const forgotten = (...diagnostics: readonly ReturnType<typeof error>[]) => {
    const { status, fixes = [] } = judge({ steps: [], diagnostics: [...diagnostics] }, state, "x");
    assert.equal(status, "problem");
    return fixes.map(({ title }) => title.replace(/^.*: /, ""));
  };

  test("is none where Pulumi only reads", () => {
    const steps = ["same", "refresh", "read"].map((op) => ({ op, urn: user.urn }));
    assert.equal(judge({ steps, diagnostics: [] }, state, "x").status, "ok");
  });

  test("is what Pulumi would change, which it then does", () => {
    const finding = judge({ steps: [{ op: "create", urn: policy.urn }], diagnostics: [] }, state, "x");
    assert.equal(finding.found, "It would create IamPolicy policy.");
    assert.deepEqual(
      finding.fixes?.map(({ id }) => id),
      ["put-back"],
    );
  });

  // The words of the published provider.
  test("forgets what MinIO's provider cannot read, since it is gone, and what hangs on it", () => {
    const userGone = "[FATAL] failed to load user Infos (AKIAUSER): The specified user does not exist.";
    assert.deepEqual(forgotten(error(attachment.urn, userGone)), ["IamUserPolicyAttachment attachment."]);
    const policyGone = "[FATAL] unable to read policy (policy): The canned policy does not exist.";
    assert.deepEqual(forgotten(error(policy.urn, policyGone), error(undefined, "preview failed")), [
      "IamPolicy policy, IamUserPolicyAttachment attachment.",
    ]);
  });

  test("forgets nothing for another error, or of another provider", () => {
    assert.deepEqual(forgotten(error(policy.urn, "unable to read policy (policy): Access Denied.")), []);
    assert.deepEqual(forgotten(error(secret.urn, "the Secret does not exist")), []);
    assert.deepEqual(forgotten(error(undefined, "Cannot reach MinIO: it does not exist")), []);
  });

  test("forgets the one that is about to be deleted, where that is meant", () => {
    const old = { ...attachment, id: "AKIAOLD-2025", delete: true };
    const { fixes = [] } = judge(
      { steps: [], diagnostics: [error(old.urn, "failed to load user Infos (AKIAOLD): does not exist")] },
      stateOf([user, policy, attachment, old]),
      "x",
    );
    assert.equal(fixes[0]?.id, `forget ${old.urn} AKIAOLD-2025`);
  });
});

describe("cut-off", () => {
  const bucket = resource(resourceTypes.bucket, "bucket", { inputs: { bucket: "the-cache" } });
  const look = async (state: ExportedState) => {
    const { status, fixes = [] } = await cutOff(state).run({ stack: "x" } as unknown as DoctorContext);
    return [status, ...fixes.map(({ id, lastResort }) => `${id.split(" ")[0] ?? ""}${lastResort === true ? "?" : ""}`)];
  };

  test("takes in what there can be only one of, deploys the rest, and then forgets that it was cut off", async () => {
    assert.deepEqual(await look(stateOf([user])), ["ok"]);
    assert.deepEqual(await look(stateOf([], [user])), ["warning", "put-back", "clear-pending?"]);
    assert.deepEqual(await look(stateOf([], [bucket])), ["warning", "adopt", "put-back", "clear-pending?"]);
    assert.deepEqual(await look(stateOf([bucket], [bucket])), ["warning", "clear-pending"]);
    const old = { ...bucket, delete: true };
    assert.deepEqual(await look(stateOf([old], [bucket])), ["warning", "adopt", "put-back", "clear-pending?"]);
  });

  test("is not certain of a bucket that Pulumi is not known to have made", () => {
    const newState = { type: bucket.type, inputs: { bucket: "the-cache" } };
    const steps = [{ op: "create", urn: bucket.urn, newState }];
    const { fixes = [] } = judge({ steps, diagnostics: [] }, stateOf([user]), "x");
    assert.deepEqual(
      fixes.map(({ id, certain, lastResort }) => [id, certain, lastResort]),
      [
        ["put-back", true, undefined],
        [`adopt ${bucket.urn}`, false, true],
      ],
    );
    assert.equal(judge({ steps, diagnostics: [] }, stateOf([bucket]), "x").fixes?.length, 1, "it was deleted by hand");
    const own = judge({ steps, diagnostics: [] }, stateOf([user]), "x", new Set(["the-cache"])).fixes ?? [];
    assert.deepEqual(
      own.map(({ id, certain, lastResort }) => [id, certain, lastResort]),
      [
        ["put-back", true, undefined],
        [`adopt ${bucket.urn}`, true, undefined],
      ],
    );
  });

  test("is certain of a bucket that came into being while the stack was being deployed", () => {
    const history = JSON.stringify([
      { kind: "update", startTime: "2026-11-24T10:00:00.000Z", endTime: "2026-11-24T10:01:00.000Z", result: "failed" },
      { kind: "refresh", startTime: "2026-11-24T12:00:00.000Z", endTime: "2026-11-24T12:01:00.000Z" },
    ]);
    const wasMade = (time: string) => madeDuringUpdate(new Date(time), history);
    assert.ok(wasMade("2026-11-24T10:00:00.500Z"));
    assert.ok(wasMade("2026-11-24T10:01:00.900Z"), "Pulumi notes whole seconds");
    assert.ok(!wasMade("2026-11-24T10:01:02Z"));
    assert.ok(!wasMade("2026-11-24T09:59:59Z"));
    assert.ok(!wasMade("2026-11-24T12:00:30Z"), "a refresh makes nothing");
  });
});

test("unknownCopies are Secrets with the stack's own content that Pulumi does not know", () => {
  const named = (name: string, content: string) => ({ metadata: { name }, data: { "runner-token": content } });
  const own = resource(resourceTypes.secret, "token", { id: "ci/token-00000001" });
  const old = resource(resourceTypes.secret, "token", { id: "ci/token-00000002", delete: true });
  const secrets = [
    named("token-00000001", "mine"),
    named("token-00000002", "mine"),
    named("token-00000003", "mine"),
    named("token-00000004", "another stack's"),
    named("other-00000005", "mine"),
  ];
  assert.deepEqual(unknownCopies(secrets, stateOf([own, old])), ["token-00000003"]);
  assert.deepEqual(
    unknownCopies(secrets.slice(1), stateOf([own])),
    [],
    "without the stack's own there is none to compare",
  );
});

describe("a stack's lock", () => {
  const message =
    "error: the stack is currently locked by 2 lock(s). Either wait for the other process(es) to end or delete the lock " +
    "file with `pulumi cancel`.\n" +
    "  file:///state/.pulumi/locks/organization/gitlab-runner/x/1.json: created by me@laptop (pid 123) at 2026-11-24T17:00:00Z\n" +
    "  file:///state/.pulumi/locks/organization/gitlab-runner/x/2.json: created by ci@runner-1 (pid 7) at 2026-11-24T17:01:00Z";

  test("is read from what Pulumi says", () => {
    assert.deepEqual(readHeld(message), {
      locks: [
        { user: "me", host: "laptop", pid: 123, since: "2026-11-24T17:00:00Z" },
        { user: "ci", host: "runner-1", pid: 7, since: "2026-11-24T17:01:00Z" },
      ],
    });
    assert.deepEqual(readHeld("error: [409] Conflict: Another update is currently in progress."), {
      update: "[409] Conflict: Another update is currently in progress.",
    });
    assert.equal(readHeld("error: incorrect passphrase"), undefined);
  });

  test("has an owner that is gone only where this machine can tell", async () => {
    const lock = { user: "me", host: hostname(), pid: 123, since: "" };
    assert.equal(await lockOwner(lock, () => Promise.resolve(true)), "alive");
    assert.equal(await lockOwner(lock, () => Promise.resolve(false)), "gone");
    assert.equal(await lockOwner({ ...lock, host: "another" }, () => Promise.resolve(false)), "elsewhere");
    assert.equal(await lockOwner({ ...lock, pid: process.pid }), "gone", "this process is no Pulumi");
    assert.equal(await lockOwner({ ...lock, pid: 2 ** 22 + 1 }), "gone", "there is no such process");
  });
});

describe("clearRelease", () => {
  const outputs = { namespace: "ci", release: { name: "gitlab-runner", chart: "" } };
  const inputs = { name: "gitlab-runner", namespace: "ci" };
  const release = resource(resourceTypes.release, "release", { id: "ci/gitlab-runner", inputs });
  const managed = stateOf([release]);
  const found = (status: string, revision: number, lastDeployed?: number): HelmRelease => ({
    ...{ status, revision, lastDeployed, chartVersion: "0.86.0", tokenSecret: "token-1a2b3c4d", manifest: "" },
  });
  const told = (fix: Fix | undefined) => fix && [fix.commands[0], fix.certain];

  test("takes an installation away that was cut off, and is sure of it where Pulumi was at it", () => {
    const uninstall = "helm uninstall gitlab-runner --namespace ci";
    const pending = found("pending-install", 1);
    assert.deepEqual(told(clearRelease(pending, outputs, stateOf([], [release]))), [uninstall, true]);
    assert.deepEqual(told(clearRelease(pending, outputs, managed)), [uninstall, true]);
    assert.deepEqual(told(clearRelease(pending, outputs, stateOf([]))), [uninstall, false]);
    const elsewhere = { ...release, inputs: { ...inputs, namespace: "other" } };
    assert.deepEqual(told(clearRelease(pending, outputs, stateOf([], [elsewhere]))), [uninstall, false]);
  });

  test("takes one away that Pulumi's state has not, and is sure of it where it has the stack's own Secret", () => {
    const token = resource(resourceTypes.secret, "token", { id: "ci/token-1a2b3c4d" });
    const uninstall = "helm uninstall gitlab-runner --namespace ci";
    assert.deepEqual(told(clearRelease(found("deployed", 1, 1), outputs, stateOf([token]))), [uninstall, true]);
    assert.deepEqual(told(clearRelease(found("deployed", 4, 4), outputs, stateOf([secret]))), [uninstall, false]);
    assert.ok(!isOwnRelease({ tokenSecret: undefined }, { ...inputs }, stateOf([token])));
  });

  test("goes back to the last revision that was deployed", () => {
    const back = "helm rollback gitlab-runner 2 --namespace ci";
    for (const status of ["pending-upgrade", "pending-rollback", "failed"]) {
      assert.deepEqual(told(clearRelease(found(status, 4, 2), outputs, managed)), [back, true]);
    }
  });

  test("installs one anew that was never deployed, where pulumi up does not help", () => {
    const fix = clearRelease(found("failed", 1), outputs, managed);
    assert.deepEqual(told(fix), ["helm uninstall gitlab-runner --namespace ci", true]);
    assert.equal(fix?.lastResort, true);
    assert.equal(clearRelease(found("failed", 1, 1), outputs, managed), undefined);
  });
});

describe("release-objects", () => {
  const manifest =
    "---\n# Source: a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n---\n# nothing\n---\n" +
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: b\n  namespace: other\n";

  test("are those of the manifest, in the release's namespace unless they say otherwise", () => {
    assert.deepEqual(
      objectsIn(manifest, "ci").map(({ kind, metadata }) => [kind, metadata?.name, metadata?.namespace]),
      [
        ["ConfigMap", "a", "ci"],
        ["Secret", "b", "other"],
      ],
    );
    assert.deepEqual(objectsIn("", "ci"), []);
  });

  test("differ in what is applied, and not in what the server keeps", () => {
    const live = {
      metadata: { resourceVersion: "1", labels: { a: "b" }, annotations: {} },
      spec: { replicas: 0, template: { spec: { containers: [{ name: "c", image: "x" }] } } },
      status: { replicas: 0 },
    };
    const applied = structuredClone(live);
    applied.metadata.resourceVersion = "2";
    applied.status.replicas = 7;
    assert.deepEqual(changedFields(live, applied), []);
    applied.spec.replicas = 1;
    applied.spec.template.spec.containers = [{ name: "c", image: "y" }];
    assert.deepEqual(changedFields(live, applied), ["spec.replicas", "spec.template.spec.containers[0].image"]);
  });
});

test("enabledByHand names what GitLab has enabled, the configuration wants, and the state does not know", () => {
  const known = resource(resourceTypes.enablement, "e", { inputs: { project: "1" } });
  assert.deepEqual(enabledByHand(["1", "2", "group/third"], ["2"], stateOf([known])), ["group/third"]);
});

test("renew replaces what the stack has made, and nothing else", () => {
  const key = resource(resourceTypes.accessKey, "access-key");
  const old = { ...key, id: "old", delete: true };
  const fix = renew("x", stateOf([key, old]), "cache keys");
  assert.deepEqual(fix?.commands, [`pulumi up --refresh --replace '${key.urn}' --stack x`]);
  assert.equal(renew("x", stateOf([key]), "runner"), undefined);
  assert.equal(renew("x", undefined, "runner"), undefined);
});

test("ownsNamespace is true for one that the stack has made, and not for one that it uses", () => {
  const namespace = resource(resourceTypes.namespace, "n", { id: "ci" });
  assert.ok(ownsNamespace(stateOf([namespace]), "ci"));
  assert.ok(!ownsNamespace(stateOf([{ ...namespace, external: true }]), "ci"));
  assert.ok(!ownsNamespace(undefined, "ci"));
});
