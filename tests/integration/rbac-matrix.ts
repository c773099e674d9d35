import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { parse } from "yaml";

/** A user, as the API server knows it once it is authenticated. */
export interface Subject {
  readonly user: string;
  readonly groups: readonly string[];
}

/** A resource of the API server, with its group at the end: `pods/exec`, `deployments/scale.apps`. */
export type Resource = string;

/** Whether somebody may do this. */
export interface Question {
  readonly verb: string;
  readonly resource: Resource;
}

/** The answer to a call. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

interface ResourceList {
  readonly resources: readonly { readonly name: string; readonly verbs: readonly string[] }[];
}

/** What no list of resources has, and the authorizer is asked all the same: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb */
const further: readonly Question[] = [
  ...["roles", "clusterroles"].flatMap((name) =>
    ["bind", "escalate"].map((verb) => ({ verb, resource: `${name}.rbac.authorization.k8s.io` })),
  ),
  ...["users", "groups", "serviceaccounts", "uids.authentication.k8s.io", "userextras.authentication.k8s.io"].map(
    (resource) => ({ verb: "impersonate", resource }),
  ),
  ...["approve", "sign", "attest"].map((verb) => ({ verb, resource: "signers.certificates.k8s.io" })),
  { verb: "*", resource: "*.*" },
];

/** How many questions are under way at the same time. */
const atOnce = 24;

/** @returns a ServiceAccount as a {@link Subject} */
export function account(namespace: string, name: string): Subject {
  return {
    user: `system:serviceaccount:${namespace}:${name}`,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
  };
}

/** An API server, asked by HTTP: its clients would take minutes for thousands of questions. */
export class AskedApiServer {
  readonly #agent: Agent;
  readonly #server: string;
  readonly #token: string;
  #asked = 0;

  /** @param kubeconfig the path of a file that the sandbox has written */
  constructor(kubeconfig: string) {
    const { clusters, users } = parse(readFileSync(kubeconfig, "utf8")) as {
      clusters: [{ cluster: { server: string; "certificate-authority-data": string } }];
      users: [{ user: { token: string } }];
    };
    const { server, "certificate-authority-data": authority } = clusters[0].cluster;
    this.#agent = new Agent({ keepAlive: true, maxSockets: atOnce, ca: Buffer.from(authority, "base64") });
    this.#server = server;
    this.#token = users[0].user.token;
  }

  /** How many questions of {@link mayDo} it has answered. */
  get asked(): number {
    return this.#asked;
  }

  /** Calls the API, as the administrator unless another token is given. */
  call(method: string, path: string, body?: object, token = this.#token): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, "content-type": contentType(method) };
      const sent = request(
        `${this.#server}${path}`,
        { agent: this.#agent, method, headers, timeout: 30_000 },
        (got) => {
          if (path.includes("watch=true")) {
            // It would go on.
            got.destroy();
            resolve({ status: got.statusCode ?? 0, body: "" });
            return;
          }
          const chunks: Buffer[] = [];
          got.on("data", (chunk: Buffer) => chunks.push(chunk));
          got.on("error", reject);
          got.on("end", () => {
            resolve({ status: got.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
          });
        },
      );
      sent.on("timeout", () => sent.destroy(new Error(`no answer to ${method} ${path}`)));
      sent.on("error", reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** @returns what is at a path */
  async get<T>(path: string): Promise<T> {
    const { status, body } = await this.call("GET", path);
    if (status !== 200) {
      throw new Error(`GET ${path}: ${status} ${body}`);
    }
    return JSON.parse(body) as T;
  }

  /** @returns every verb for every resource that the server has, and what else RBAC knows */
  async questions(): Promise<Question[]> {
    const { groups } = await this.get<{ groups: { name: string; versions: { groupVersion: string }[] }[] }>("/apis");
    const lists = await Promise.all([
      this.get<ResourceList>("/api/v1").then((list) => ({ group: "", list })),
      ...groups.flatMap(({ name, versions }) =>
        versions.map(async ({ groupVersion }) => ({
          group: `.${name}`,
          list: await this.get<ResourceList>(`/apis/${groupVersion}`),
        })),
      ),
    ]);
    const named = lists.flatMap(({ group, list }) => list.resources.map(({ name }) => `${name}${group}`));
    const verbs = new Set(lists.flatMap(({ list }) => list.resources.flatMap((resource) => resource.verbs)));
    const all = [...new Set(named)].flatMap((resource) => [...verbs].map((verb) => ({ verb, resource })));
    return [...all, ...further];
  }

  /** @returns whether a subject may do this in a namespace */
  async may(subject: Subject, namespace: string, { verb, resource }: Question): Promise<boolean> {
    this.#asked++;
    const [, name = "", subresource, group] = /^([^./]+)(?:\/([^.]+))?(?:\.(.+))?$/.exec(resource) ?? [];
    const resourceAttributes = { namespace, group, resource: name, subresource, verb };
    const { status, body } = await this.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
      ...{ apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview" },
      spec: { ...subject, resourceAttributes },
    });
    if (status !== 201) {
      throw new Error(`${verb} ${resource}: ${status} ${body}`);
    }
    return (JSON.parse(body) as { status: { allowed: boolean } }).status.allowed;
  }

  /** @returns what of all this a subject may do in a namespace, as `verb resource`, sorted; what it may do in the whole cluster is among it */
  async mayDo(subject: Subject, namespace: string, questions: readonly Question[]): Promise<string[]> {
    const left = [...questions];
    const allowed: string[] = [];
    const ask = async () => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        if (await this.may(subject, namespace, next)) {
          allowed.push(`${next.verb} ${next.resource}`);
        }
      }
    };
    await Promise.all(Array.from({ length: atOnce }, ask));
    return allowed.toSorted();
  }

  /** Ends its connections. */
  close(): void {
    this.#agent.destroy();
  }
}

function contentType(method: string): string {
  return method === "PATCH" ? "application/merge-patch+json" : "application/json";
}
