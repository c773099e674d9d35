import type { Fix } from "./fix.ts";

/** @returns what deletes a runner that looks like the stack's; another stack may have made it, so it is never certain */
export function deleteRunner(id: number, apiUrl: string): Fix {
  return {
    id: `delete runner ${id}`,
    stage: "left-behind",
    title: `Delete runner #${id} in GitLab, unless another stack has made it.`,
    commands: [`curl --request DELETE --header "PRIVATE-TOKEN: $GITLAB_TOKEN" ${apiUrl}/runners/${id}`],
    certain: false,
    run: ({ gitlab }) => gitlab.deleteRunner(id),
  };
}
