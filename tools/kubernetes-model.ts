/** The fields of a model of the Kubernetes client, all the way down, without its being a class. */
export type Plain<T> = T extends Date
  ? T
  : T extends readonly (infer Item)[]
    ? Plain<Item>[]
    : T extends object
      ? { [Key in keyof T]: Plain<T[Key]> }
      : T;

/** A model of the Kubernetes client from its fields: the client's classes have no behaviour, and it sends either. */
export function model<T>(fields: Plain<T>): T {
  return fields as T;
}
