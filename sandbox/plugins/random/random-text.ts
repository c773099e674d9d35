import { isUnknown, unknownValue, withSecrets } from "../property-values.ts";
import type { Properties } from "../property-values.ts";
import { checkFields, diffFields, inputsAsRead, planFields } from "../resource-fields.ts";
import type { Field, Fields } from "../resource-fields.ts";
import type { CheckFailure, ResourceHandler } from "../resource-handler.ts";
import { randomCharacters } from "./random-characters.ts";
import type { CharacterRules } from "./random-characters.ts";

/** Longer than anything that is a password; the real provider takes as much memory as it is told. */
const longest = 100_000;

const used: Field = { type: "boolean", default: true, replaces: true };
const minimum: Field = {
  type: "number",
  default: 0,
  replaces: true,
  problem: (value) => (Number.isInteger(value) && Number(value) >= 0 ? undefined : "is no whole number of 0 or more"),
};

const fields: Fields = {
  length: {
    type: "number",
    required: true,
    replaces: true,
    problem: (value) =>
      Number.isInteger(value) && Number(value) >= 1 && Number(value) <= longest
        ? undefined
        : `is no whole number from 1 to ${longest}`,
  },
  lower: used,
  upper: used,
  numeric: used,
  special: used,
  minLower: minimum,
  minUpper: minimum,
  minNumeric: minimum,
  minSpecial: minimum,
  overrideSpecial: { type: "string", replaces: true },
  keepers: { type: "map", replaces: true },
};

/** `random.RandomString`: a text that is generated once; a change of any input, including the keepers, generates a new one. */
export const randomString: ResourceHandler = randomText((result) => ({ id: result, outputs: { result } }));

/** `random.RandomPassword`: like RandomString, but secret. Unlike the real provider's, it has no `bcryptHash`. */
export const randomPassword: ResourceHandler = randomText((result) => ({
  id: "none",
  outputs: withSecrets({ result }, "result"),
}));

function randomText(
  present: (result: string) => { readonly id: string; readonly outputs: Properties },
): ResourceHandler {
  return {
    check(inputs) {
      const renamed = withoutOldName(inputs);
      const failures = checkFields(fields, renamed);
      return { inputs: renamed, failures: failures.length > 0 ? failures : checkTogether(renamed) };
    },
    diff: ({ oldOutputs, newInputs }) => ({ changes: diffFields(fields, oldOutputs, newInputs) }),
    create(inputs, { preview }) {
      const planned = planFields(fields, inputs);
      if (preview) {
        return Promise.resolve({ id: "", outputs: { ...planned, number: planned.numeric, result: unknownValue } });
      }
      const { id, outputs } = present(randomCharacters(planned as unknown as CharacterRules));
      return Promise.resolve({ id, outputs: { ...planned, number: planned.numeric, ...outputs } });
    },
    read(id, inputs, outputs) {
      if (outputs.result !== undefined) {
        return Promise.resolve({ id, outputs, inputs });
      }
      const { id: importedId, outputs: result } = present(id);
      const imported = { ...planFields(fields, { length: id.length }), number: true, ...result };
      return Promise.resolve({ id: importedId, outputs: imported, inputs: inputsAsRead(fields, {}, imported) });
    },
    delete: () => Promise.resolve(),
  };
}

/** `number` is the old name of `numeric`. */
function withoutOldName({ number, ...inputs }: Properties): Properties {
  return number === undefined ? inputs : { ...inputs, numeric: inputs.numeric ?? number };
}

function checkTogether(inputs: Properties): CheckFailure[] {
  const planned = planFields(fields, inputs);
  if (isUnknown(planned)) {
    return [];
  }
  const { length, lower, upper, numeric, special, ...rules } = planned as unknown as CharacterRules;
  const required = rules.minLower + rules.minUpper + rules.minNumeric + rules.minSpecial;
  if (required > length) {
    return [{ property: "length", reason: `is ${length}, less than the ${required} that the minimums need together` }];
  }
  return lower || upper || numeric || special
    ? []
    : [{ property: "lower", reason: "lower, upper, numeric and special are all false: nothing is left to draw from" }];
}
