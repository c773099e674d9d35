{{- /* Name of everything in the release: the release's name where it already says gitlab-runner. */ -}}
{{- define "gitlab-runner.fullname" -}}
{{- $chart := default .Chart.Name .Values.nameOverride -}}
{{- $name := ternary .Release.Name (printf "%s-%s" .Release.Name $chart) (contains $chart .Release.Name) -}}
{{- default $name .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "gitlab-runner.namespace" -}}
{{- default .Release.Namespace .Values.namespace -}}
{{- end -}}

{{- define "gitlab-runner.labels" -}}
app: {{ include "gitlab-runner.fullname" . }}
chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
release: {{ .Release.Name | quote }}
heritage: {{ .Release.Service | quote }}
{{- end -}}

{{- define "gitlab-runner.metadata" -}}
name: {{ include "gitlab-runner.fullname" . }}
namespace: {{ include "gitlab-runner.namespace" . | quote }}
labels:
  {{- include "gitlab-runner.labels" . | nindent 2 }}
{{- end -}}

{{- /* Name of the Secret with both tokens: given, or the one of this release. */ -}}
{{- define "gitlab-runner.secret" -}}
{{- if .Values.runners.secret -}}
{{- tpl .Values.runners.secret . -}}
{{- else -}}
{{- include "gitlab-runner.fullname" . -}}
{{- end -}}
{{- end -}}

{{- /* serviceAccount.* counts; the names under rbac are the older spelling and come second. */ -}}
{{- define "gitlab-runner.serviceAccountName" -}}
{{- $fullname := include "gitlab-runner.fullname" . -}}
{{- if or .Values.serviceAccount.create .Values.serviceAccount.name -}}
{{- default $fullname .Values.serviceAccount.name -}}
{{- else if .Values.rbac.create -}}
{{- default $fullname .Values.rbac.generatedServiceAccountName -}}
{{- else -}}
{{- default "" .Values.rbac.serviceAccountName -}}
{{- end -}}
{{- end -}}

{{- /* "true" where the release makes the account: asked for, or rbac.create without a word on it. */ -}}
{{- define "gitlab-runner.makesServiceAccount" -}}
{{- if hasKey .Values.serviceAccount "create" -}}
{{- .Values.serviceAccount.create -}}
{{- else -}}
{{- .Values.rbac.create -}}
{{- end -}}
{{- end -}}

{{- define "gitlab-runner.image" -}}
{{- $repository := .Values.image.image -}}
{{- with .Values.image.registry -}}{{- $repository = printf "%s/%s" . $repository -}}{{- end -}}
{{- $tag := default (printf "alpine-v%s" .Chart.AppVersion) .Values.image.tag -}}
{{- tpl (printf "%s:%s" $repository $tag) . -}}
{{- end -}}

{{- /* "true" where a token in the values is an authentication token; one in a Secret of the user's is not seen. */ -}}
{{- define "gitlab-runner.hasAuthenticationToken" -}}
{{- if hasKey .Values "runnerRegistrationToken" -}}
{{- $token := default "" .Values.runnerRegistrationToken -}}
{{- or (empty $token) (hasPrefix "glrt-" $token) -}}
{{- else -}}
{{- hasPrefix "glrt-" (default "" .Values.runnerToken) -}}
{{- end -}}
{{- end -}}
