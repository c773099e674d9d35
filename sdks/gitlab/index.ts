// The part of @pulumi/gitlab 10.1.1 that this project uses, with the published package's names, types and tokens.
export { ProjectRunnerEnablement, type ProjectRunnerEnablementArgs } from "./project-runner-enablement.ts";
export { Provider, type ProviderArgs } from "./provider.ts";
export { UserRunner, type UserRunnerArgs } from "./user-runner.ts";
