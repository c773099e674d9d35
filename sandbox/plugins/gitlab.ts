import { readFileSync } from "node:fs";
import { trustAuthorities } from "../../tools/trusted-authorities.ts";
import { GitLabClient, gitlabConnection } from "./gitlab/gitlab-client.ts";
import { projectRunnerEnablement } from "./gitlab/project-runner-enablement.ts";
import { userRunner } from "./gitlab/user-runner.ts";
import { serveProvider } from "./provider-server.ts";

let client: GitLabClient | undefined;

function connected(): GitLabClient {
  if (client === undefined) {
    throw new Error("gitlab: the provider is not configured");
  }
  return client;
}

const resources = {
  "gitlab:index/userRunner:UserRunner": userRunner(connected),
  "gitlab:index/projectRunnerEnablement:ProjectRunnerEnablement": projectRunnerEnablement(connected),
};

await serveProvider({
  name: "gitlab",
  version: "10.1.1",
  configure(config) {
    trustAuthorities([config.cacertFile ? readFileSync(config.cacertFile, "utf8") : undefined]);
    client = new GitLabClient(gitlabConnection(config, process.env));
  },
  resources,
});
