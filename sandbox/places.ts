/** The project of the emulated GitLab that owns the homelab's runner. */
export const ownProject = { id: 75488734, path: "homelab/infrastructure" };

/** A project that the homelab's runner can be enabled for. */
export const otherProject = { id: 75488735, path: "homelab/website" };

/** The group of both. */
export const ownGroup = { id: 8800, path: "homelab" };
