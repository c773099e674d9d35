/** The servers that a fault can be of. */
export const servers = ["GitLab", "MinIO", "Kubernetes API"] as const;

/** One of {@link servers}. */
export type Server = (typeof servers)[number];

/** What a server does. */
export interface FaultKind {
  readonly kind: "response lost" | "500" | "down" | "429" | "connection closed" | "late";
  /** How many calls it meets. */
  readonly calls: number;
  /** How long it is down or late, or says that one should wait. */
  readonly seconds: number;
}

const kinds: readonly FaultKind[] = [
  { kind: "response lost", calls: 1, seconds: 0 },
  { kind: "500", calls: 3, seconds: 0 },
  { kind: "down", calls: 1, seconds: 10 },
  { kind: "429", calls: 3, seconds: 1 },
  { kind: "connection closed", calls: 1, seconds: 0 },
  { kind: "late", calls: 3, seconds: 5 },
];

/** What a server does from a call on that was chosen. */
export interface Fault extends FaultKind {
  /** How many calls that change something come before the first that it meets. */
  readonly afterWrites: number;
}

/** A fault, and whose it is. */
export interface ServerFault {
  readonly server: Server;
  readonly fault: FaultKind;
}

/** How many different faults there are. */
export const faultCount = servers.length * kinds.length;

/** @returns the first `count` faults, of one server after the other; each is there once before the first comes again */
export function chooseFaults(count: number): ServerFault[] {
  const all = kinds.flatMap((_, round) =>
    servers.flatMap((server, which) => {
      const fault = kinds[(which * 2 + round) % kinds.length];
      return fault === undefined ? [] : [{ server, fault }];
    }),
  );
  return Array.from({ length: count }, (_, index) => all[index % all.length]).filter((one) => one !== undefined);
}
