// JavaScript, since Pulumi would compile a TypeScript file here with ts-node; what it imports, Node.js runs itself.
import { PolicyPack } from "@pulumi/policy";
import { policies } from "./policies.ts";

new PolicyPack("gitlab-runner", { policies, enforcementLevel: "mandatory" });
