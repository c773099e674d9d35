import { checkFields, diffFields, inputsAsRead } from "../resource-fields.ts";
import type { Fields } from "../resource-fields.ts";
import type { ResourceHandler } from "../resource-handler.ts";
import { GitLabError } from "./gitlab-client.ts";
import type { GitLabClient } from "./gitlab-client.ts";

const fields: Fields = {
  project: { type: "string", required: true, replaces: true },
  runnerId: { type: "number", required: true, replaces: true },
};

/** `gitlab.ProjectRunnerEnablement`: an additional project that may use a project runner; its id is `project:runnerId`. */
export function projectRunnerEnablement(client: () => GitLabClient): ResourceHandler {
  return {
    check: (inputs) => ({ inputs, failures: checkFields(fields, inputs) }),
    diff: ({ oldOutputs, newInputs }) => ({ changes: diffFields(fields, oldOutputs, newInputs) }),

    async create(inputs, { preview, signal }) {
      if (preview) {
        return { id: "", outputs: inputs };
      }
      const { project, runnerId } = inputs as { project: string; runnerId: number };
      await client().call(`enable runner ${runnerId} for project ${project}`, signal, (api) =>
        api.Runners.enable(project, runnerId),
      );
      return { id: `${project}:${runnerId}`, outputs: inputs };
    },

    async read(id, inputs, _outputs, { signal }) {
      const { project, runnerId } = parts(id);
      try {
        const { id: projectId } = await client().call(`read project ${project}`, signal, (api) =>
          api.Projects.show(project),
        );
        const runner = await client().call(`read runner ${runnerId}`, signal, (api) => api.Runners.show(runnerId));
        if (!runner.projects.some((enabled) => enabled.id === projectId)) {
          return undefined;
        }
      } catch (error) {
        if (error instanceof GitLabError && error.status === 404) {
          return undefined;
        }
        throw error;
      }
      const outputs = { project, runnerId };
      return { id, outputs, inputs: inputsAsRead(fields, inputs, outputs) };
    },

    async delete(id, _outputs, { signal }) {
      const { project, runnerId } = parts(id);
      try {
        await client().call(`disable runner ${runnerId} for project ${project}`, signal, (api) =>
          api.Runners.disable(project, runnerId),
        );
      } catch (error) {
        if (!(error instanceof GitLabError && error.status === 404)) {
          throw error;
        }
      }
    },
  };
}

function parts(id: string): { project: string; runnerId: number } {
  const [, project, runnerId] = /^(.+):(\d+)$/.exec(id) ?? [];
  if (project === undefined || runnerId === undefined) {
    throw new Error(
      `gitlab: ${JSON.stringify(id)} is no id of an enablement; it must be project:runnerId, such as 5:7`,
    );
  }
  return { project, runnerId: Number(runnerId) };
}
