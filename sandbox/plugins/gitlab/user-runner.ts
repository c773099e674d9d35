import type { CreateUserCIRunnerOptions, EditRunnerOptions, ExpandedRunnerSchema } from "@gitbeaker/rest";
import { isUnknown, unknownValue, withSecrets } from "../property-values.ts";
import type { Properties } from "../property-values.ts";
import { checkFields, diffFields, inputsAsRead, oneOf, planFields, sameItems } from "../resource-fields.ts";
import type { Fields } from "../resource-fields.ts";
import { ResourceInitError } from "../resource-handler.ts";
import type { CheckFailure, Operation, ResourceHandler } from "../resource-handler.ts";
import { GitLabError } from "./gitlab-client.ts";
import type { GitLabClient } from "./gitlab-client.ts";

type RunnerType = "instance_type" | "group_type" | "project_type";

const longestNote = 1024;
const shortestTimeout = 600;

const fields: Fields = {
  runnerType: {
    type: "string",
    required: true,
    replaces: true,
    problem: oneOf("instance_type", "group_type", "project_type"),
  },
  projectId: { type: "number", replaces: true },
  groupId: { type: "number", replaces: true },
  description: { type: "string", computed: true },
  paused: { type: "boolean", computed: true },
  locked: { type: "boolean", computed: true },
  untagged: { type: "boolean", computed: true },
  tagLists: { type: "list", computed: true, same: sameItems },
  accessLevel: { type: "string", computed: true, problem: oneOf("not_protected", "ref_protected") },
  maximumTimeout: {
    type: "number",
    computed: true,
    problem: (value) => (Number(value) >= shortestTimeout ? undefined : `is less than ${shortestTimeout} seconds`),
  },
  maintenanceNote: {
    type: "string",
    computed: true,
    problem: (value) => (String(value).length <= longestNote ? undefined : `is longer than ${longestNote} characters`),
  },
};

/** `gitlab.UserRunner`: a runner that a user creates. GitLab shows its token only on creation, so an imported runner has none. */
export function userRunner(client: () => GitLabClient): ResourceHandler {
  const show = (id: string, { signal }: Operation) =>
    client().call(`read runner ${id}`, signal, (api) => api.Runners.show(Number(id)));

  return {
    check: (inputs) => ({ inputs, failures: [...checkFields(fields, inputs), ...checkOwner(inputs)] }),
    diff: ({ oldOutputs, newInputs }) => ({ changes: diffFields(fields, oldOutputs, newInputs) }),

    async create(inputs, operation) {
      if (operation.preview) {
        return { id: "", outputs: { ...planFields(fields, inputs), token: unknownValue } };
      }
      const { runnerType, untagged, ...options } = inputs;
      const { id, token } = await client().call("create the runner", operation.signal, (api) =>
        api.Users.createCIRunner(
          runnerType as RunnerType,
          {
            ...options,
            tagLists: undefined,
            tagList: inputs.tagLists,
            runUntagged: untagged,
          } as CreateUserCIRunnerOptions,
        ),
      );
      const created = withSecrets({ ...inputs, token }, "token");
      try {
        return { id: String(id), outputs: { ...created, ...describe(await show(String(id), operation)) } };
      } catch (error) {
        // It exists, and its token is shown only once: the engine must not forget it.
        throw new ResourceInitError({ id: String(id), outputs: created }, inputs, [(error as Error).message]);
      }
    },

    async read(id, inputs, outputs, operation) {
      try {
        const runner = await show(id, operation);
        const live = { ...outputs, ...describe(runner) };
        return { id, outputs: live, inputs: inputsAsRead(fields, inputs, live) };
      } catch (error) {
        if (error instanceof GitLabError && error.status === 404) {
          return undefined;
        }
        throw error;
      }
    },

    async update(id, inputs, oldOutputs, operation) {
      const outputs = { ...oldOutputs, ...planFields(fields, inputs, oldOutputs) };
      if (operation.preview) {
        return outputs;
      }
      const planned: Properties = outputs;
      const runner = await client().call(`update runner ${id}`, operation.signal, (api) =>
        api.Runners.edit(Number(id), {
          description: planned.description,
          paused: planned.paused,
          locked: planned.locked,
          runUntagged: planned.untagged,
          tagList: planned.tagLists,
          accessLevel: planned.accessLevel,
          // GitLab returns 0 or nothing if no timeout is set, but accepts neither.
          maximumTimeout: planned.maximumTimeout === 0 ? undefined : planned.maximumTimeout,
          maintenanceNote: planned.maintenanceNote,
        } as EditRunnerOptions),
      );
      return { ...outputs, ...describe(runner) };
    },

    async delete(id, _outputs, { signal }) {
      try {
        await client().call(`delete runner ${id}`, signal, (api) => api.Runners.remove({ runnerId: Number(id) }));
      } catch (error) {
        if (!(error instanceof GitLabError && error.status === 404)) {
          throw error;
        }
      }
    },
  };
}

/** The real provider does not read the project or group back: their drift is not detected, and an import does not have them. */
function describe(runner: ExpandedRunnerSchema): Properties {
  // Gitbeaker's types do not have the note.
  const { maintenance_note: note, description } = runner as unknown as Properties;
  return {
    runnerType: runner.runner_type,
    description: description ?? "",
    paused: runner.paused,
    locked: runner.locked,
    untagged: runner.run_untagged,
    accessLevel: runner.access_level,
    maximumTimeout: runner.maximum_timeout ?? 0,
    maintenanceNote: note ?? "",
    tagLists: runner.tag_list ?? [],
  };
}

/** Checks that exactly the owner that the type requires is set. */
function checkOwner({ runnerType, projectId, groupId }: Properties): CheckFailure[] {
  if (isUnknown(runnerType)) {
    return [];
  }
  const owners = { project_type: "projectId", group_type: "groupId", instance_type: undefined };
  const needed = owners[runnerType as RunnerType];
  return Object.entries({ projectId, groupId }).flatMap(([property, value]): CheckFailure[] => {
    if (property === needed) {
      return value === undefined
        ? [{ property, reason: `${property} is missing: a ${String(runnerType)} runner needs it` }]
        : [];
    }
    return value === undefined
      ? []
      : [{ property, reason: `${property} is set, but a ${String(runnerType)} runner has none` }];
  });
}
