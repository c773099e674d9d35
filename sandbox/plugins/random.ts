import { serveProvider } from "./provider-server.ts";
import { randomPassword, randomString } from "./random/random-text.ts";

await serveProvider({
  name: "random",
  version: "4.21.0",
  configure() {
    // It has no configuration.
  },
  resources: {
    "random:index/randomString:RandomString": randomString,
    "random:index/randomPassword:RandomPassword": randomPassword,
  },
});
