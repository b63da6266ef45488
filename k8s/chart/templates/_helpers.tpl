{{- define "gitlatch.labels" -}}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/instance: {{ .Release.Name }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "gitlatch.reference" -}}
{{ .image.repository }}{{ if .image.digest }}@{{ .image.digest }}{{ else }}:{{ .image.tag | default .default }}{{ end }}
{{- end }}

{{- define "gitlatch.image" -}}
{{ include "gitlatch.reference" (dict "image" .Values.image "default" .Chart.AppVersion) }}
{{- end }}

{{- define "gitlatch.redirectImage" -}}
{{ include "gitlatch.reference" (dict "image" .Values.redirectImage "default" .Chart.AppVersion) }}
{{- end }}

{{- /* The CA that sidecars trust: the value, or cert-manager's Secret once it is there. */}}
{{- define "gitlatch.ca" -}}
{{- if .Values.broker.tls.ca }}{{ .Values.broker.tls.ca }}
{{- else if .Values.broker.tls.certManager.enabled }}
{{- with lookup "v1" "Secret" .Release.Namespace "gitlatch-broker-ca" }}{{ index .data "ca.crt" | default "" | b64dec }}{{ end }}
{{- end }}
{{- end }}

{{- /* The webhook's template is read at start: a changed one replaces the broker's pods. */}}
{{- define "gitlatch.podAnnotations" -}}
{{- $annotations := deepCopy .Values.broker.podAnnotations }}
{{- if eq .Values.injection.mode "webhook" }}
{{- $_ := set $annotations "checksum/sidecar" (include "gitlatch.sidecar" . | sha256sum) }}
{{- end }}
{{- with $annotations }}{{ toYaml . }}{{ end }}
{{- end }}

{{- define "gitlatch.sidecar" -}}
{{ .Files.Get "files/sidecar.json" | replace "localhost/gitlatch:0.1.0" (include "gitlatch.image" .) }}
{{- end }}
