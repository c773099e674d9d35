import type { SandboxState } from "../sandbox-folder.ts";

/** @returns the address of the page that shows the sandbox, without a slash at its end */
export function pageUrl(state: SandboxState): string {
  return `http://127.0.0.1:${state.ports["page"] ?? 0}`;
}
