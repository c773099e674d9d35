import type { SandboxState } from "../sandbox-folder.ts";

/** @returns the URL of the page that shows the sandbox, without a trailing slash */
export function pageUrl(state: SandboxState): string {
  return `http://127.0.0.1:${state.ports["page"] ?? 0}`;
}
