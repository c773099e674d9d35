/**
 * What makes Linkerd inject its proxy into a pod, as a native sidecar, so that the proxy ends when the job does.
 * Injection is asked for by an annotation; a label of the same name does nothing. That for native sidecars has changed its
 * name: alpha from Linkerd 2.15 on, then beta, then neither; each version knows its own, and passes over the others.
 * Sources: https://linkerd.io/2.15/reference/proxy-configuration/ and https://linkerd.io/2/reference/proxy-configuration/
 */
export const linkerdAnnotations: Readonly<Record<string, string>> = {
  "linkerd.io/inject": "enabled",
  "config.alpha.linkerd.io/proxy-enable-native-sidecar": "true",
  "config.beta.linkerd.io/proxy-enable-native-sidecar": "true",
  "config.linkerd.io/proxy-enable-native-sidecar": "true",
};

/** The label that goes with {@link linkerdAnnotations}, for selectors that look for it; Linkerd itself ignores it. */
export const linkerdLabels: Readonly<Record<string, string>> = { "linkerd.io/inject": "enabled" };
