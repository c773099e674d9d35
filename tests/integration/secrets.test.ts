import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { execa } from "execa";

import { gitlabUrl, sandboxEnvironment, stackConfigFile } from "../../sandbox/environment.ts";
import { EmulatorControl } from "../../sandbox/gitlab/control.ts";
import { ownProject } from "../../sandbox/gitlab-seed.ts";
import { SandboxFolder } from "../../sandbox/sandbox-folder.ts";
import { GitLabApi } from "../../tools/clients/gitlab.ts";
import { standInChart } from "../../tools/helm-template.ts";
import { builtTools } from "../../tools/pinned-tools.ts";
import { renderStack } from "../../tools/render-stack.ts";
import type { PageSnapshot } from "../../tools/status/snapshot.ts";
import { repository } from "../../tools/repository.ts";
import { Looking } from "./looking.ts";
import { SandboxUnderTest } from "./sandbox-under-test.ts";
import { clusterPlaces, filesIn } from "./secrets-places.ts";
import { ProcessWatch } from "./secrets-processes.ts";
import { SecretSearch } from "./secrets-search.ts";
import { assertDocumented } from "./security-page.ts";

// The sandbox's Helm, which renders.
process.env["PATH"] = [dirname(builtTools().helm), process.env["PATH"]].join(delimiter);

/** Where secrets are looked for; each place has the marker, which shows that it is looked at. */
const places = [
  "Pulumi's state",
  "the backend's files: state, history, backups",
  "the stack's configuration",
  "pulumi preview --diff",
  "pulumi up",
  "pulumi refresh",
  "pulumi's other commands",
  "the engine's event log",
  "Helm's values",
  "Helm's Secret, unzipped",
  "ConfigMaps",
  "pods",
  "all other objects of the API server",
  "arguments of all processes",
  "environment of all other processes",
  "the page",
  "npm run status",
  "npm run doctor",
  "npm run render",
  "a job's log",
  "logs of all servers",
  "messages of failing calls",
  "a failing test's log",
] as const;
type Place = (typeof places)[number];

const namespace = "gitlab-runner";
const flags = ["--yes", "--skip-preview", "--non-interactive"];

describe("no secret leaks", { timeout: 15 * 60_000 }, () => {
  const sandbox = new SandboxUnderTest();
  const scratch = mkdtempSync(join(tmpdir(), "gitlab-runner-test-"));
  const marker = `planted${randomBytes(12).toString("hex")}`;
  const plantedOnly = new SecretSearch({ marker });
  const texts = new Map<Place, string>();
  /** Each by its name in findings. */
  const secrets: Record<string, string> = {};
  /** The keys' public halves, which S3 sends in every URL. */
  const accessKeys: Record<string, string> = {};
  /** Names of the Secrets that hold them. */
  const rightful = new Set<string>();
  let watch: ProcessWatch;

  const note = (place: Place, text: string) => texts.set(place, `${texts.get(place) ?? ""}\n${text}`);

  /** Runs a command as `npm run sandbox -- exec` would, whether or not it fails. */
  async function run(
    [command = "", ...args]: readonly string[],
    { input, env = {} }: { input?: string; env?: Record<string, string> } = {},
  ) {
    const { all, exitCode } = await execa(command, args, {
      cwd: repository,
      env: { ...sandboxEnvironment(new SandboxFolder(sandbox.path), sandbox.state), ...env },
      extendEnv: false,
      reject: false,
      all: true,
      timeout: 5 * 60_000,
      ...(input === undefined ? { stdin: "ignore" } : { input }),
    });
    return { all, exitCode };
  }

  /** Runs a command that must succeed, and returns what it has printed. */
  async function must(...[command, options]: Parameters<typeof run>): Promise<string> {
    const { all, exitCode } = await run(command, options);
    assert.equal(exitCode, 0, `${command.join(" ")}:\n${all}`);
    return all;
  }

  /** Sets what is not secret in a stack's configuration, by path. */
  async function configure(values: Record<string, string>, env: Record<string, string> = {}): Promise<void> {
    const plain = Object.entries(values).flatMap(([path, value]) => ["--plaintext", `${path}=${value}`]);
    await must(["pulumi", "config", "set-all", "--path", ...plain], { env });
  }

  /** Takes down what the Secrets of a stack hold now, as they change with a rotation. */
  async function learnSecrets(when: string, env: Record<string, string> = {}): Promise<void> {
    const outputs = JSON.parse(await must(["pulumi", "stack", "output", "--json"], { env })) as Record<string, string>;
    const { namespace: where = "", tokenSecret = "", cacheSecret = "" } = outputs;
    const held = await sandbox.kubectl<{ items: { data: Record<string, string> }[] }>(
      ...["--namespace", where, "get", "secret", tokenSecret, cacheSecret],
    );
    const decoded = Object.entries(
      Object.assign({}, ...held.items.map(({ data }) => data)) as Record<string, string>,
    ).map(([key, value]) => [key, Buffer.from(value, "base64").toString()] as const);
    const { "runner-token": token = "", secretkey = "", accesskey = "" } = Object.fromEntries(decoded);
    secrets[`runner token ${when}`] = token;
    secrets[`cache's secret key ${when}`] = secretkey;
    accessKeys[`cache's access key ${when}`] = accesskey;
    rightful.add(tokenSecret).add(cacheSecret);
  }

  /** Runs a command of Pulumi that shows what it does, and keeps the engine's event log. */
  async function withEvents(place: Place, command: readonly string[], env: Record<string, string> = {}): Promise<void> {
    const log = join(scratch, "events.json");
    const debug = { PULUMI_DEBUG_COMMANDS: "true" };
    note(place, await must(["pulumi", ...command, "--diff", "--event-log", log], { env: { ...env, ...debug } }));
    note("the engine's event log", readFileSync(log, "utf8"));
    rmSync(log);
  }

  before(async () => {
    const up = await sandbox.command("up");
    assert.equal(up.exitCode, 0, up.all);
    note("pulumi up", up.all);
    const { minioUser: _, ...own } = sandbox.state.secrets;
    Object.assign(secrets, own);
    await learnSecrets("of the first deployment");
    const minio = sandbox.state.servers.find(({ name }) => name === "minio");
    watch = new ProcessWatch([process.pid, minio?.pid ?? 0]);
    const looking = new Looking(() => {
      watch.look();
      return Promise.resolve();
    }, 50);
    const orphans = plantProcesses();
    try {
      await replaceEverything();
      await runJob();
      await useTools();
      await deployGivenCredentials();
      await fail();
    } finally {
      await looking.end();
      orphans.end();
    }
    await collectWhatIsKept();
  });
  after(async () => {
    await sandbox.remove();
    rmSync(scratch, { recursive: true, force: true });
  });

  /** Two processes with the marker: one as an argument, and one in the environment, which is nobody's child. */
  function plantProcesses(): { end: () => void } {
    const argument = spawn(process.execPath, ["--eval", "setTimeout(() => {}, 600_000)", marker], { stdio: "ignore" });
    const shell = 'sleep 600 </dev/null >/dev/null 2>&1 & echo "$!"';
    const orphan = execa("sh", ["-c", shell], { env: { PLANTED: marker }, timeout: 10_000 });
    return {
      end: () => {
        argument.kill();
        void orphan.then(({ stdout }) => process.kill(Number(stdout)));
      },
    };
  }

  /** Gives GitLab's and MinIO's credentials as secrets of the configuration, too, plants the marker, and renews token and keys. */
  async function replaceEverything(): Promise<void> {
    const { gitlabToken = "", minioPassword = "" } = sandbox.state.secrets;
    await must(["pulumi", "config", "set", "--secret", "gitlab:token"], { input: gitlabToken });
    await must(["pulumi", "config", "set", "--secret", "minio:minioPassword"], { input: minioPassword });
    await configure({
      description: marker,
      "jobs.environment.PLANTED": marker,
      "jobs.podAnnotations.planted": marker,
      rotation: "2026-11",
    });
    await withEvents("pulumi preview --diff", ["preview", "--non-interactive"]);
    await withEvents("pulumi up", ["up", ...flags]);
    await learnSecrets("after the rotation");
    await sandbox.gitlab.Runners.edit(Number((await sandbox.outputs())["runnerId"]), {
      description: `${marker} by hand`,
    });
    await withEvents("pulumi refresh", ["refresh", ...flags]);
    await sandbox.exec("kubectl", "annotate", "namespace", namespace, `planted=${marker}`);
  }

  /** Runs a job, and looks at the cluster meanwhile. */
  async function runJob(): Promise<void> {
    const file = join(scratch, "job.gitlab-ci.yml");
    const cache = { key: "k", paths: ["kept"] };
    const script = ["mkdir -p kept", 'echo "$PLANTED"', "env", "sleep 5"];
    // JSON is YAML.
    writeFileSync(file, JSON.stringify({ leak: { tags: ["kubernetes"], cache, script } }));
    const running = sandbox.command("job", file);
    const pods = [
      "get",
      "pods",
      "--namespace",
      namespace,
      "--selector",
      "job.runner.gitlab.com/pod",
      "--output",
      "json",
    ];
    for (let seen = false; !seen;) {
      const listed = await must(["kubectl", ...pods]);
      seen = (JSON.parse(listed) as { items: unknown[] }).items.length > 0;
      note("pods", listed);
    }
    const { all, exitCode } = await running;
    assert.equal(exitCode, 0, all);
    note("a job's log", all);
  }

  /** What this project's own commands show. */
  async function useTools(): Promise<void> {
    const tool = (name: string) => [process.execPath, join(repository, `tools/${name}.ts`), "--stack", "sandbox"];
    const root = join(scratch, "checkout");
    mkdirSync(root);
    copyFileSync(join(repository, "Pulumi.yaml"), join(root, "Pulumi.yaml"));
    copyFileSync(stackConfigFile(new SandboxFolder(sandbox.path)), join(root, "Pulumi.sandbox.yaml"));
    const [status, doctor, json, page] = await Promise.all([
      must([...tool("status"), "--once"]),
      // It names the description that is another one in GitLab.
      run(tool("doctor")),
      run([...tool("doctor"), "--json"]),
      servedPage(tool("status")),
    ]);
    note("npm run status", status);
    note("npm run doctor", `${doctor.all}\n${json.all}`);
    note("the page", page);
    note("npm run render", [...(await renderStack(root, "sandbox", standInChart)).files].flat().join("\n"));
  }

  /** All that the page of `npm run status -- --web` serves, until each source has answered. */
  async function servedPage(command: readonly string[]): Promise<string> {
    const [program = "", ...args] = command;
    const page = execa(program, [...args, "--web"], {
      cwd: repository,
      env: sandboxEnvironment(new SandboxFolder(sandbox.path), sandbox.state),
      extendEnv: false,
      ...({ reject: false, stdin: "ignore", timeout: 60_000 } as const),
    });
    let served = "";
    for await (const line of page) {
      const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
      if (url !== undefined) {
        served = [
          await (await fetch(url)).text(),
          await (await fetch(`${url}/jobs/1/trace`)).text(),
          await eventsOf(url),
        ].join("\n");
        page.kill("SIGINT");
      }
    }
    return served;
  }

  async function eventsOf(url: string): Promise<string> {
    let text = "";
    for await (const chunk of (await fetch(`${url}/events`)).body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString();
      const [, data = "{}"] = [...text.matchAll(/^event: snapshot\ndata: (.*)\n/gm)].at(-1) ?? [];
      const { gitlab, cluster, cache } = JSON.parse(data) as Partial<PageSnapshot>;
      if ([gitlab, cluster, cache].every((part) => part?.data !== undefined)) {
        break;
      }
    }
    return text;
  }

  /** A second stack, whose runner and cache exist already: its credentials are in the configuration. */
  async function deployGivenCredentials(): Promise<void> {
    const gitlab = new GitLabApi(`${gitlabUrl(sandbox.state)}/api/v4`, secrets["gitlabToken"] ?? "");
    const token = await gitlab.createProjectRunner(ownProject.id, "made-beforehand", ["kubernetes"]);
    const accessKey = randomBytes(10).toString("hex").toUpperCase();
    // With characters that have other forms in URLs and JSON; as those of AWS have.
    const secretKey = `${randomBytes(12).toString("hex")}/+=&<"${randomBytes(6).toString("hex")}`;
    await must(["mc", "admin", "user", "add", "minio"], { input: `${accessKey}\n${secretKey}\n` });
    await must(["mc", "mb", "minio/given"]);
    await must(["mc", "admin", "policy", "attach", "minio", "readwrite", "--user", accessKey]);

    const root = join(scratch, "given");
    const file = join(root, "Pulumi.given.yaml");
    const env = { PULUMI_STACK: "given", PULUMI_OPTION_CONFIG_FILE: file };
    mkdirSync(root);
    copyFileSync(join(repository, "Pulumi.yaml"), join(root, "Pulumi.yaml"));
    const unset = ["--unset=PULUMI_STACK", "--unset=PULUMI_OPTION_CONFIG_FILE"];
    await must(["env", ...unset, "pulumi", "--cwd", root, "stack", "init", "given"]);
    await configure(
      {
        namespace: "given",
        gitlabUrl: gitlabUrl(sandbox.state),
        "chart.repository": `http://127.0.0.1:${sandbox.state.ports["charts"] ?? 0}`,
        "cache.bucket": "given",
        "cache.server": sandbox.minio,
        "cache.insecure": "true",
        "jobs.environment.PLANTED": marker,
      },
      env,
    );
    for (const [path, input] of [
      ["runnerToken", token],
      ["cache.credentials.accessKey", accessKey],
      ["cache.credentials.secretKey", secretKey],
    ] as const) {
      await must(["pulumi", "config", "set", "--secret", "--path", path], { env, input });
    }
    await withEvents("pulumi preview --diff", ["preview", "--non-interactive"], env);
    await withEvents("pulumi up", ["up", ...flags], env);
    await learnSecrets("of the configuration", env);
    await withEvents("pulumi refresh", ["refresh", ...flags], env);
    note("Pulumi's state", await must(["pulumi", "stack", "export"], { env }));
    note("the stack's configuration", readFileSync(file, "utf8"));
    note("Helm's values", await must(["helm", "get", "all", namespace, "--namespace", "given"]));
  }

  /** Lets calls to each server fail in every way, and keeps what is printed. */
  async function fail(): Promise<void> {
    const wrong = { token: `glpat-${randomBytes(12).toString("hex")}`, password: randomBytes(12).toString("hex") };
    secrets["a wrong access token"] = wrong.token;
    secrets["a wrong password"] = wrong.password;
    const failing = async (command: readonly string[], env: Record<string, string> = {}) => {
      const { all, exitCode } = await run(command, { env });
      assert.notEqual(exitCode, 0, `${command.join(" ")} has not failed:\n${all}`);
      assert.match(all, /\w/);
      note("messages of failing calls", all);
    };
    const tool = (name: string, ...args: string[]) => [
      ...[process.execPath, join(repository, `tools/${name}.ts`), "--stack", "sandbox"],
      ...args,
    ];
    await must(["pulumi", "config", "rm", "gitlab:token"]);
    await must(["pulumi", "config", "rm", "minio:minioPassword"]);
    const kubeconfig = join(scratch, "kubeconfig");
    writeFileSync(
      kubeconfig,
      `{ clusters: [{ name: sandbox, cluster: { server: "https://127.0.0.1:9" } }], contexts: [{ name: sandbox, context: { cluster: sandbox, user: a } }], users: [{ name: a, user: { token: ${wrong.password} } }] }`,
    );
    const control = new EmulatorControl(gitlabUrl(sandbox.state), secrets["emulatorToken"] ?? "");
    const up = ["pulumi", "up", ...flags, "--diff"];
    await configure({ rotation: "2026-12" });
    const failWith = async (env: Record<string, string>) => {
      // A tool does not fail where it does not need what is wrong.
      const commands = [tool("doctor"), tool("status", "--once")];
      const [shown] = await Promise.all([
        Promise.all(commands.map((command) => run(command, { env }))),
        failing(up, env),
      ]);
      note("messages of failing calls", shown.map(({ all }) => all).join("\n"));
    };
    await failWith({ GITLAB_TOKEN: wrong.token });
    // While there is a runner to create still.
    for (const fault of [{ kind: "status", status: 400 }, { kind: "cut" }] as const) {
      await control.addFault({ method: "POST", path: "/user/runners", ...fault });
      await failing(up);
    }
    await failWith({ MINIO_PASSWORD: wrong.password });
    await failWith({ PULUMI_CONFIG_PASSPHRASE: wrong.password });
    await failWith({ KUBECONFIG: kubeconfig });
    const preview = ["pulumi", "preview", "--non-interactive", "--config"];
    await failing([...preview, `minio:minioServer=${marker}.invalid:9000`]);
    const test = join(scratch, "failing.test.ts");
    const command = [...preview, `gitlab:baseUrl=http://${marker}.invalid/api/v4/`].map((text) => JSON.stringify(text));
    writeFileSync(
      test,
      `import { test } from "node:test";
      import { execa } from ${JSON.stringify(import.meta.resolve("execa"))};
      test("fails", () => execa(${command[0] ?? ""}, [${command.slice(1).join()}], { all: true }));`,
    );
    // Else it would be a part of this test.
    const log = await run(["env", "--unset=NODE_TEST_CONTEXT", process.execPath, "--test", test]);
    assert.match(log.all, /fail 1\n/);
    note("a failing test's log", log.all);
  }

  /** What is there at the end of all that. */
  async function collectWhatIsKept(): Promise<void> {
    const folder = new SandboxFolder(sandbox.path);
    note("Pulumi's state", await must(["pulumi", "stack", "export"]));
    note("the backend's files: state, history, backups", filesIn(folder.file("pulumi-state")));
    note("the stack's configuration", readFileSync(stackConfigFile(folder), "utf8"));
    for (const command of [["config"], ["stack"], ["stack", "output"], ["stack", "history"], ["stack", "--show-ids"]]) {
      note("pulumi's other commands", await must(["pulumi", ...command]));
    }
    note("Helm's values", await must(["helm", "get", "all", namespace, "--namespace", namespace]));
    for (const [place, text] of Object.entries(await clusterPlaces(sandbox, rightful))) {
      note(place as Place, text);
    }
    writeFileSync(folder.file("logs", "planted.log"), marker);
    note("logs of all servers", filesIn(folder.file("logs")));
    note("arguments of all processes", watch.arguments);
    note("environment of all other processes", watch.environments);
  }

  for (const place of places) {
    test(`${place}: only the marker`, () => {
      const text = texts.get(place) ?? "";
      assert.deepEqual(new SecretSearch(secrets).find(text), []);
      assert.deepEqual(plantedOnly.find(text), ["marker as it is"], "the marker is not there");
      assertDocumented(place, "0");
    });
  }

  test("every place is looked at, and every secret looked for", (t) => {
    assert.deepEqual([...texts.keys()].toSorted(), [...places].toSorted());
    const { count } = new SecretSearch(secrets);
    assert.equal(count, 13);
    const bytes = [...texts.values()].reduce((sum, text) => sum + text.length, 0);
    t.diagnostic(`${places.length} places, ${(bytes / 1e6).toFixed(1)} MB of text, ${count} secrets`);
    t.diagnostic(`${watch.seen.arguments} processes, ${watch.seen.environments} environments`);
  });

  test("the cache's access keys are the ids of resources, which Pulumi stores and prints, and nowhere else", () => {
    const ids: readonly Place[] = [
      ...(["Pulumi's state", "the backend's files: state, history, backups", "the engine's event log"] as const),
      ...(["pulumi preview --diff", "pulumi up", "pulumi refresh", "pulumi's other commands"] as const),
      "messages of failing calls",
      // The stand-in for MinIO's provider gives it to `mc`.
      "arguments of all processes",
    ];
    const found = places.filter((place) => new SecretSearch(accessKeys).find(texts.get(place) ?? "").length > 0);
    assert.ok(found.includes("Pulumi's state"));
    assert.deepEqual(
      found.filter((place) => !ids.includes(place)),
      [],
    );
  });
});
