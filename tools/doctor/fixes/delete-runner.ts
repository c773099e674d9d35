import type { Fix } from "./fix.ts";

/** @returns a fix that deletes a duplicate of the stack's runner; another stack may have created it, so it is never certain */
export function deleteRunner(id: number, apiUrl: string): Fix {
  return {
    id: `delete runner ${id}`,
    stage: "left-behind",
    title: `Delete runner #${id} in GitLab, unless another stack created it.`,
    commands: [`curl --request DELETE --header "PRIVATE-TOKEN: $GITLAB_TOKEN" ${apiUrl}/runners/${id}`],
    certain: false,
    run: ({ gitlab }) => gitlab.deleteRunner(id),
  };
}
