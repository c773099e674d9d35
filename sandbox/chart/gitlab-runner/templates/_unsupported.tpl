{{- /* Refuses, rather than ignores, what GitLab's chart would make and this one does not, and what only counts for registration tokens. */ -}}
{{- define "gitlab-runner.refuseUnsupported" -}}
{{- $asked := list -}}
{{- if .Values.sessionServer.enabled -}}{{- $asked = append $asked "sessionServer.enabled" -}}{{- end -}}
{{- if .Values.service.enabled -}}{{- $asked = append $asked "service.enabled" -}}{{- end -}}
{{- if .Values.hpa -}}{{- $asked = append $asked "hpa" -}}{{- end -}}
{{- if .Values.rbac.podSecurityPolicy.enabled -}}{{- $asked = append $asked "rbac.podSecurityPolicy.enabled" -}}{{- end -}}
{{- if .Values.runners.configPath -}}{{- $asked = append $asked "runners.configPath" -}}{{- end -}}
{{- range $key := list "runUntagged" "protected" "maximumTimeout" -}}
{{- /* With an authentication token these are set in GitLab; the runner refuses or drops them. */ -}}
{{- if hasKey $.Values.runners $key -}}{{- $asked = append $asked (printf "runners.%s" $key) -}}{{- end -}}
{{- end -}}
{{- if $asked -}}
{{- fail (printf "the sandbox's chart does not support %s: unset it, or use GitLab's own chart" (join ", " $asked)) -}}
{{- end -}}
{{- end -}}
