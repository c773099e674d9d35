import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { pluginFile, ProviderClient, startPlugin } from "./plugins-client.ts";

const randomString = "random:index/randomString:RandomString";

describe("a stand-in that gets what the engine would not send", { timeout: 30_000 }, () => {
  test("makes nothing of inputs that its check refuses", async (t) => {
    const client = new ProviderClient(t, (await startPlugin(t, pluginFile("random"))).port);
    await assert.rejects(client.create(randomString, {}), /random: length: length is missing: set it/);
    await assert.rejects(client.create(randomString, { length: 1e9 }), /length: is no whole number from 1 to 100000/);
    const made = await client.create(randomString, { length: 8 });
    await assert.rejects(client.diff(randomString, made, { length: {} }), /length: length is a map, not a number/);
    const mixed = await client.check(randomString, { length: 8, minLower: { a: 1 } });
    assert.deepEqual(mixed.failures, { minLower: "minLower is a map, not a number" });
  });

  test("takes no name that all objects have for one of its own", async (t) => {
    for (const name of ["random", "gitlab", "minio"]) {
      const client = new ProviderClient(t, (await startPlugin(t, pluginFile(name))).port);
      for (const type of ["toString", "constructor", "__proto__"]) {
        await assert.rejects(
          client.create(type, {}),
          new RegExp(`${name}: this stand-in has no resource type ${type}`),
        );
      }
    }
    const client = new ProviderClient(t, (await startPlugin(t, pluginFile("random"))).port);
    const { failures } = await client.check(randomString, { length: 8, constructor: 1 });
    assert.deepEqual(failures, { constructor: "constructor is not a property of this resource" });
  });

  test("says what is wrong with a state that is none", async (t) => {
    const client = new ProviderClient(t, (await startPlugin(t, pluginFile("minio"))).port);
    const rules = [{ id: "a", expiration: "5d" }];
    const policy = { id: "a-bucket", inputs: {}, outputs: { bucket: "a-bucket", rules: "none" } };
    const { changes } = await client.diff("minio:index/ilmPolicy:IlmPolicy", policy, { bucket: "a-bucket", rules });
    assert.deepEqual(changes, { rules: "UPDATE" });
    const attachment = { id: "a", inputs: {}, outputs: { userName: {}, policyName: "a" } };
    await assert.rejects(
      client.delete("minio:index/iamUserPolicyAttachment:IamUserPolicyAttachment", attachment),
      /must have the names of both/,
    );
  });
});
