/**
 * Annotations that make Linkerd inject its proxy as a native sidecar, so that the proxy stops together with the job.
 * Injection needs an annotation; a label of the same name has no effect. The annotation for native sidecars was renamed over
 * time: alpha since Linkerd 2.15, then beta, then without a prefix; each version reads its own and ignores the others.
 * Sources: https://linkerd.io/2.15/reference/proxy-configuration/ and https://linkerd.io/2/reference/proxy-configuration/
 */
export const linkerdAnnotations: Readonly<Record<string, string>> = {
  "linkerd.io/inject": "enabled",
  "config.alpha.linkerd.io/proxy-enable-native-sidecar": "true",
  "config.beta.linkerd.io/proxy-enable-native-sidecar": "true",
  "config.linkerd.io/proxy-enable-native-sidecar": "true",
};

/** The label that goes with {@link linkerdAnnotations}, for selectors that match it; Linkerd itself ignores it. */
export const linkerdLabels: Readonly<Record<string, string>> = { "linkerd.io/inject": "enabled" };
