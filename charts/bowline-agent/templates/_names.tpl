{{- /* Names and values that several templates need. */ -}}
{{- define "bowline.labels" -}}
app.kubernetes.io/name: bowline-agent
app.kubernetes.io/part-of: bowline
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{- define "bowline.server" -}}
{{- $server := .Values.server | default .Values.systemDefaultValues.azureResourceManagerEndpoint -}}
{{- required "server is required: the Bowline server's public URL" $server | trimSuffix "/" -}}
{{- end -}}

{{- define "bowline.resourceId" -}}
{{- if .Values.resourceId -}}
{{- .Values.resourceId -}}
{{- else -}}
{{- $subscription := required "resourceId is required, or global.subscriptionId, resourceGroupName and resourceName" .Values.global.subscriptionId -}}
{{- $group := required "global.resourceGroupName is required" .Values.global.resourceGroupName -}}
{{- $name := required "global.resourceName is required" .Values.global.resourceName -}}
/subscriptions/{{ $subscription }}/resourceGroups/{{ $group }}/providers/Microsoft.Kubernetes/connectedClusters/{{ $name }}
{{- end -}}
{{- end -}}

{{- define "bowline.image" -}}
{{- $repository := .Values.image.repository -}}
{{- if not $repository -}}
{{- $host := required "image.repository is required, or systemDefaultValues.image.repository" .Values.systemDefaultValues.image.repository -}}
{{- $repository = printf "%s/bowline-agent" (trimSuffix "/" $host) -}}
{{- end -}}
{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- /* The certificates to trust, as PEM: the server's authority and, behind a proxy that opens TLS, the proxy's. */ -}}
{{- define "bowline.caPem" -}}
{{- if .Values.caCertificate }}{{ .Values.caCertificate | b64dec }}{{ end -}}
{{- if .Values.global.proxyCert }}
{{ .Values.global.proxyCert }}{{ end -}}
{{- end -}}

{{- /* agent.json, as the agent keeps it. */ -}}
{{- define "bowline.enrolment" -}}
{{- $enrolment := dict "server" (include "bowline.server" .) "tenantId" .Values.global.tenantId "resourceId" (include "bowline.resourceId" .) -}}
{{- $_ := set $enrolment "principalId" (required "principalId is required: the object id of the resource's identity" .Values.principalId) -}}
{{- $ca := include "bowline.caPem" . | trim -}}
{{- if $ca }}{{ $_ := set $enrolment "caPem" (printf "%s\n" $ca) }}{{ end -}}
{{- include "bowline.proxy" (dict "values" .Values "into" $enrolment) -}}
{{ $enrolment | toJson }}
{{- end -}}

{{- define "bowline.proxy" -}}
{{- $global := .values.global -}}
{{- $proxy := $global.httpsProxy | default $global.httpProxy -}}
{{- if $proxy -}}
{{- $_ := set .into "proxy" (dict "url" $proxy "noProxy" ($global.noProxy | splitList "," | compact)) -}}
{{- end -}}
{{- end -}}

{{- /* agent.json of an agent that enrols by itself: where to, and as what. */ -}}
{{- define "bowline.place" -}}
{{- $place := dict "server" (include "bowline.server" .) "resourceId" (include "bowline.resourceId" .) -}}
{{- if .Values.location }}{{ $_ := set $place "location" .Values.location }}{{ end -}}
{{- include "bowline.proxy" (dict "values" .Values "into" $place) -}}
{{ $place | toJson }}
{{- end -}}
