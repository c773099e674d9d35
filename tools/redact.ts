import { text } from "node:stream/consumers";
import { redactor } from "./redactor.ts";

/** A filter: what it is given on stdin, without the secrets of its environment. */
process.stdout.write(redactor(process.env)(await text(process.stdin)));
