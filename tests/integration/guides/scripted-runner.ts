import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ownProject, otherProject } from "../../../sandbox/gitlab-seed.ts";
import type { SandboxUnderTest } from "../sandbox-under-test.ts";
import type { Reader } from "./reader.ts";

/** Keys of a MinIO user who may read and write in the bucket. */
const keys = { CACHE_S3_ACCESS_KEY: "your-minio-access-key", CACHE_S3_SECRET_KEY: "your-minio-secret-key" };

/**
 * Values as a script passes them to GitLab's chart. The keys come as the chart mounts them, and not as the environment
 * variables that it drops: only a deployment whose cache works has something to lose.
 */
function values(server: string): string {
  return `
gitlabUrl: https://gitlab.example.com
concurrent: 4
checkInterval: 30
rbac:
  create: true
  rules:
    - apiGroups: [""]
      resources: [pods, pods/exec, pods/attach, secrets, configmaps]
      verbs: [get, list, watch, create, delete, update]
    - { apiGroups: [""], resources: [pods/log], verbs: [get, list] }
    - { apiGroups: [""], resources: [services], verbs: [get, list, watch] }
serviceAccount: { create: true, name: gitlab-runner }
runners:
  secret: gitlab-runner-token
  cache: { secretName: gitlab-runner-cache-credentials }
  config: |
    [[runners]]
      name = "k8s-homelab-runner"
      executor = "kubernetes"
      [runners.kubernetes]
        namespace = "gitlab-runner"
        image = "alpine:latest"
        service_account = "gitlab-runner"
        [runners.kubernetes.pod_labels]
          "linkerd.io/inject" = "enabled"
        [runners.kubernetes.node_selector]
          "kubernetes.io/hostname" = "polycephala"
      [runners.cache]
        Type = "s3"
        Shared = true
        [runners.cache.s3]
          ServerAddress = "${server}"
          BucketName = "gitlab-runner-cache"
          BucketLocation = "us-east-1"
          Insecure = true
resources:
  limits: { cpu: 200m, memory: 256Mi }
  requests: { cpu: 100m, memory: 128Mi }
nodeSelector: { kubernetes.io/hostname: polycephala }
podAnnotations: { linkerd.io/inject: enabled }
`;
}

/** The commands of a script that makes the Secrets. */
const createSecrets = `
source .env
kubectl create namespace gitlab-runner --dry-run=client -o yaml | kubectl apply -f -
kubectl create secret generic gitlab-runner-token --namespace gitlab-runner \\
  --from-literal=runner-registration-token="" --from-literal=runner-token="$RUNNER_TOKEN" \\
  --dry-run=client -o yaml | kubectl apply -f -
kubectl create secret generic gitlab-runner-cache-credentials --namespace gitlab-runner \\
  --from-literal=accesskey="$CACHE_S3_ACCESS_KEY" --from-literal=secretkey="$CACHE_S3_SECRET_KEY" \\
  --dry-run=client -o yaml | kubectl apply -f -`;

/** The commands of a script that makes the rest. */
const setUp = `
kubectl label namespace gitlab-runner linkerd.io/inject=enabled --overwrite
mc mb minio/gitlab-runner-cache --ignore-existing
helm repo add gitlab https://charts.gitlab.io
helm repo update
helm upgrade --install gitlab-runner gitlab/gitlab-runner -n gitlab-runner -f gitlab-runner-values.yaml --wait
kubectl wait --for=condition=ready pod -l app=gitlab-runner -n gitlab-runner --timeout=120s`;

/** What enables the runner for a second project. */
const enable = `
RUNNER_ID=$(glab api "projects/${ownProject.id}/runners?type=project_type" | jq -r '.[0].id')
glab api -X POST "projects/${otherProject.id}/runners" -f runner_id=$RUNNER_ID`;

/** Makes a runner without Pulumi, step by step as shell scripts do, for a reader who then has its commands at hand. */
export async function setUpByScripts(reader: Reader, sandbox: SandboxUnderTest): Promise<void> {
  const folder = join(reader.clone, "../infrastructure/gitlab-runner");
  mkdirSync(folder, { recursive: true });
  // The reader's own access, and a runner made on GitLab's page.
  const { minioUser = "", minioPassword = "" } = sandbox.state.secrets;
  await reader.run("(umask 077 && mkdir -p ~/.kube && sudo k3s kubectl config view --raw > ~/.kube/config)");
  await reader.run(`mc alias set minio http://localhost:9000 '${minioUser}' '${minioPassword}'`);
  await reader.run(`mc admin user add minio ${keys.CACHE_S3_ACCESS_KEY} ${keys.CACHE_S3_SECRET_KEY}`);
  await reader.run(`mc admin policy attach minio readwrite --user ${keys.CACHE_S3_ACCESS_KEY}`);
  const { token } = await sandbox.gitlab.Users.createCIRunner("project_type", {
    projectId: ownProject.id,
    description: "k8s-homelab-runner",
    tagList: ["kubernetes", "homelab"],
  });

  const env = Object.entries({ RUNNER_TOKEN: token, ...keys }).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(join(folder, ".env"), env.join(""), { mode: 0o600 });
  writeFileSync(join(folder, "gitlab-runner-values.yaml"), reader.here(values(sandbox.minio)));
  for (const script of [createSecrets, setUp, enable]) {
    await reader.run(`(cd '${folder}'${script}\n)`);
  }
}
