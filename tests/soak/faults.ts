/** The servers that a fault can be of. */
export const servers = ["GitLab", "MinIO", "Kubernetes API"] as const;

/** One of {@link servers}. */
export type Server = (typeof servers)[number];

/** What a server does, with how many calls it meets and the seconds of its pause. */
const kinds = [
  { kind: "answer lost", calls: 1, seconds: 0 },
  { kind: "500", calls: 3, seconds: 0 },
  { kind: "down", calls: 1, seconds: 10 },
  { kind: "429", calls: 3, seconds: 1 },
  { kind: "cut off", calls: 1, seconds: 0 },
  { kind: "late", calls: 3, seconds: 5 },
] as const;

/** What a server does, once or a few times, from a call on that was chosen. */
export type Fault = (typeof kinds)[number] & {
  /** How many calls that change something come before the first that it meets. */
  readonly afterWrites: number;
};

/** A fault, and whose it is. */
export interface ServerFault {
  readonly server: Server;
  readonly fault: (typeof kinds)[number];
}

/** How many different faults there are. */
export const faultCount = servers.length * kinds.length;

/** @returns the first `count` faults, of one server after the other; each is there once before the first comes again */
export function chooseFaults(count: number): ServerFault[] {
  return Array.from({ length: count }, (_, index) => {
    const round = Math.floor(index / servers.length);
    const which = index % servers.length;
    return {
      server: servers[which] ?? servers[0],
      fault: kinds[(which * 2 + round) % kinds.length] ?? kinds[0],
    };
  });
}
