{{- /*
Environment of the manager. An entry of envVars is a name and a value: anything else in it, valueFrom above all, is
dropped without a word, as GitLab's chart does.
*/ -}}
{{- define "gitlab-runner.environment" -}}
{{- $executor := default "kubernetes" .Values.runners.executor -}}
- name: CI_SERVER_URL
  value: {{ .Values.gitlabUrl | quote }}
- name: RUNNER_EXECUTOR
  value: {{ $executor | quote }}
{{- if ne (include "gitlab-runner.hasAuthenticationToken" .) "true" }}
- name: REGISTER_LOCKED
  value: {{ ternary .Values.runners.locked true (hasKey .Values.runners "locked") | ternary "true" "false" | quote }}
- name: RUNNER_TAG_LIST
  value: {{ default "" .Values.runners.tags | quote }}
{{- end }}
{{- if and (eq $executor "kubernetes") (not (regexMatch "\\s*namespace\\s*=" .Values.runners.config)) }}
- name: KUBERNETES_NAMESPACE
  value: {{ default .Release.Namespace .Values.runners.jobNamespace | quote }}
{{- end }}
{{- range .Values.envVars }}
- name: {{ .name }}
  value: {{ .value | quote }}
{{- end }}
{{- range $name, $value := .Values.extraEnv }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- range $name, $source := .Values.extraEnvFrom }}
- name: {{ $name }}
  valueFrom:
    {{- tpl (toYaml $source) $ | nindent 4 }}
{{- end }}
{{- end -}}
