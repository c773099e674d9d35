import type { Group, Project, Runner, User } from "./model.ts";
import type { GitLabStore } from "./store.ts";

/** True if the path is the group's or below it. */
export function isWithin(path: string, group: Group): boolean {
  return path === group.path || path.startsWith(`${group.path}/`);
}

/** True if the user manages the project or group, or one of the groups above it. */
export function maintains(store: GitLabStore, user: User, place: Project | Group): boolean {
  if (user.admin || (place.maintainers?.includes(user.username) ?? true)) {
    return true;
  }
  return [...store.groups.values()].some(
    (group) => isWithin(place.path, group) && (group.maintainers?.includes(user.username) ?? false),
  );
}

/** True if the user may change the runner: as maintainer of its group or one of its projects. */
export function mayManage(store: GitLabStore, user: User, runner: Runner): boolean {
  if (user.admin) {
    return true;
  }
  const group = runner.groupId === undefined ? undefined : store.groups.get(runner.groupId);
  if (group) {
    return maintains(store, user, group);
  }
  return runner.projectIds.some((id) => {
    const project = store.projects.get(id);
    return project !== undefined && maintains(store, user, project);
  });
}

/** True if the user may see the runner; everyone may see instance runners. */
export function mayRead(store: GitLabStore, user: User, runner: Runner): boolean {
  return runner.type === "instance_type" || mayManage(store, user, runner);
}
