/**
 * What makes Linkerd inject its proxy into a pod, as a native sidecar so that job pods end when their job does.
 * Injection is asked for by an annotation; a label of the same name does nothing.
 * Source: https://linkerd.io/2/reference/proxy-configuration/
 */
export const linkerdAnnotations: Readonly<Record<string, string>> = {
  "linkerd.io/inject": "enabled",
  "config.linkerd.io/proxy-enable-native-sidecar": "true",
};

/** The label that goes with {@link linkerdAnnotations}, for selectors that look for it; Linkerd itself ignores it. */
export const linkerdLabels: Readonly<Record<string, string>> = { "linkerd.io/inject": "enabled" };
