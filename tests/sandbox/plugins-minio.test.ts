import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import getPort from "get-port";
import { builtTools } from "../../tools/pinned-tools.ts";
import { pluginFile, ProviderClient, startPlugin, unmarked } from "./plugins-client.ts";
import type { Resource } from "./plugins-client.ts";

const iamUser = "minio:index/iamUser:IamUser";
const iamPolicy = "minio:index/iamPolicy:IamPolicy";
const attachment = "minio:index/iamUserPolicyAttachment:IamUserPolicyAttachment";
const s3Bucket = "minio:index/s3Bucket:S3Bucket";
const ilmPolicy = "minio:index/ilmPolicy:IlmPolicy";

const administrator = { minioUser: "administrator", minioPassword: "a-password-for-tests" };
const policy = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: ["s3:ListBucket"], Resource: ["arn:aws:s3:::cache"] }],
});
const noUser = "The specified user does not exist. (Specified user does not exist)";

describe("the MinIO stand-in, against MinIO", { timeout: 120_000 }, () => {
  const tools = builtTools();
  const folder = mkdtempSync(join(tmpdir(), "plugins-minio-"));
  const cleanUps: (() => void)[] = [];
  const environment = { PATH: [dirname(tools.mc), process.env["PATH"]].join(delimiter) };
  let client: ProviderClient;
  let server = "";
  let names = 0;

  before(async () => {
    server = `127.0.0.1:${await getPort({ host: "127.0.0.1" })}`;
    const minio = spawn(tools.minio, ["server", "--address", server, join(folder, "data")], {
      stdio: "ignore",
      env: {
        HOME: folder,
        MINIO_ROOT_USER: administrator.minioUser,
        MINIO_ROOT_PASSWORD: administrator.minioPassword,
      },
    });
    cleanUps.push(() => minio.kill("SIGKILL"));
    while (!(await isReady(server))) {
      assert.equal(minio.exitCode, null, "MinIO has ended");
      await sleep(50);
    }
    const lifetime = { after: (cleanUp: () => void) => cleanUps.push(cleanUp) };
    client = new ProviderClient(lifetime, (await startPlugin(lifetime, pluginFile("minio"), environment)).port);
    await client.configure("minio", { ...administrator, minioServer: server });
  });
  after(() => {
    cleanUps.forEach((cleanUp) => {
      cleanUp();
    });
    rmSync(folder, { recursive: true, force: true });
  });

  /** What somebody does behind the stack's back. */
  async function mc(...args: readonly string[]): Promise<void> {
    const { minioUser, minioPassword } = administrator;
    await execa(tools.mc, ["--config-dir", join(folder, "mc"), ...args], {
      env: { MC_HOST_minio: `http://${minioUser}:${minioPassword}@${server}` },
    });
  }

  /** Makes a resource as the engine does, which keeps what was checked, and hands back what was made. */
  async function create(type: string, inputs: Resource["inputs"]): Promise<Resource> {
    const checked = await client.check(type, inputs);
    assert.deepEqual(checked.failures, {});
    const created = await client.create(type, checked.inputs);
    return { ...created, outputs: unmarked(created.outputs) };
  }

  async function diff(type: string, resource: Resource, inputs: Resource["inputs"]) {
    return client.diff(type, resource, (await client.check(type, inputs, resource.inputs)).inputs);
  }

  async function attachedUser(): Promise<{ user: Resource; rights: Resource; made: Resource }> {
    const user = await create(iamUser, { name: `USER${++names}`, secret: "a-secret-for-tests" });
    const rights = await create(iamPolicy, { policy });
    return { user, rights, made: await create(attachment, { userName: user.id, policyName: rights.id }) };
  }

  test("replaces a user delete-first where the program names it, and create-first otherwise", async () => {
    const named = await create(iamUser, { name: "NAMED" });
    assert.partialDeepStrictEqual(await diff(iamUser, named, { name: "OTHER" }), {
      replaces: ["name"],
      deleteBeforeReplace: true,
    });
    const unnamed = await create(iamUser, {});
    assert.equal((await diff(iamUser, unnamed, {})).deleteBeforeReplace, false);
    assert.deepEqual((await diff(iamUser, unnamed, {})).changes, {});
    const bucket = await create(s3Bucket, { bucket: "named" });
    assert.equal((await diff(s3Bucket, bucket, { bucket: "other" })).deleteBeforeReplace, false);
  });

  test("reads back what it made, the note of what the program left out among it", async () => {
    const { user, rights, made } = await attachedUser();
    for (const [type, resource] of [
      [iamUser, user],
      [iamPolicy, rights],
      [attachment, made],
    ] as const) {
      const read = await client.read(type, resource.id, resource);
      assert.ok(read);
      assert.deepEqual(read.inputs, resource.inputs);
      assert.deepEqual(unmarked(read.outputs), resource.outputs);
    }
  });

  test("fails at the attachment of a user who is gone, and works again once the user is back", async () => {
    const { user, made } = await attachedUser();
    await mc("admin", "user", "remove", "minio", user.id);
    assert.equal(await client.read(iamUser, user.id, user), undefined);
    await assert.rejects(client.delete(iamUser, user), new RegExp(`deleting IAM User.*${user.id}.*does not exist`));
    await assert.rejects(client.update(iamUser, user, { ...user.inputs, disableUser: true }), /user does not exist/);
    const fatal = { details: `[FATAL] failed to load user Infos (${user.id}): ${noUser}` };
    await assert.rejects(client.read(attachment, made.id, made), fatal);
    await assert.rejects(client.delete(attachment, made), fatal);
    await assert.rejects(create(attachment, made.inputs), fatal);

    await mc("admin", "user", "add", "minio", user.id, "another-secret-for-tests");
    assert.equal(await client.read(attachment, made.id, made), undefined);
    assert.notEqual(await client.read(iamUser, user.id, user), undefined);
    await client.delete(attachment, await create(attachment, made.inputs));
    await client.delete(iamUser, user);
  });

  test("cannot read a policy that is gone, but writes it again and deletes it", async () => {
    const rights = await create(iamPolicy, { policy });
    await mc("admin", "policy", "remove", "minio", rights.id);
    await assert.rejects(client.read(iamPolicy, rights.id, rights), {
      details: `[FATAL] unable to read policy (${rights.id}): The canned policy does not exist. (Specified canned policy does not exist)`,
    });
    const user = await create(iamUser, { name: "WITHOUT" });
    await assert.rejects(create(attachment, { userName: user.id, policyName: rights.id }), /unable to Set User policy/);
    await client.delete(iamPolicy, rights);
    await client.update(iamPolicy, rights, rights.inputs);
    assert.notEqual(await client.read(iamPolicy, rights.id, rights), undefined);
  });

  test("drops a bucket and its expiry rule that are gone", async () => {
    const bucket = await create(s3Bucket, { bucket: "cache" });
    const rules = [{ id: "expire", expiration: "7d" }];
    const expiry = await create(ilmPolicy, { bucket: bucket.id, rules });
    await mc("ilm", "rule", "rm", "--all", "--force", "minio/cache");
    assert.equal(await client.read(ilmPolicy, expiry.id, expiry), undefined);
    assert.notEqual(await client.read(s3Bucket, bucket.id, bucket), undefined);
    await client.delete(ilmPolicy, expiry);
    await mc("rb", "minio/cache");
    assert.equal(await client.read(s3Bucket, bucket.id, bucket), undefined);
    await assert.rejects(client.delete(s3Bucket, bucket), /unable to remove bucket \(cache\).*does not exist/);
    await assert.rejects(client.delete(ilmPolicy, expiry), /deleting lifecycle configuration failed \(cache\)/);
  });

  test("deletes a bucket with objects only where it is told to", async () => {
    const kept = await create(s3Bucket, { bucket: "kept" });
    await mc("cp", pluginFile("minio"), "minio/kept/object");
    await assert.rejects(client.delete(s3Bucket, kept), /unable to remove bucket \(kept\).*is not empty/);
    await assert.rejects(create(s3Bucket, { bucket: "kept" }), /bucket already exists! \(kept\)/);
    await client.delete(s3Bucket, await client.update(s3Bucket, kept, { ...kept.inputs, forceDestroy: true }));
    assert.equal(await client.read(s3Bucket, kept.id, kept), undefined);
  });
});

async function isReady(server: string): Promise<boolean> {
  try {
    return (await fetch(`http://${server}/minio/health/ready`)).ok;
  } catch {
    return false;
  }
}
