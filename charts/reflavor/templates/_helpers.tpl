{{- define "reflavor.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* A DNS label of at most 40 characters: names of objects add to it, and a release's name may have dots. */ -}}
{{- define "reflavor.fullname" -}}
{{- $name := include "reflavor.name" . }}
{{- $unique := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $unique .Values.fullnameOverride | replace "." "-" | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "reflavor.serviceAccountName" -}}
{{- default (include "reflavor.fullname" .) .Values.serviceAccount.name }}
{{- end }}

{{- define "reflavor.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- define "reflavor.selectorLabels" -}}
app.kubernetes.io/name: {{ include "reflavor.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "reflavor.apiSelectorLabels" -}}
app.kubernetes.io/name: {{ include "reflavor.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: api
{{- end }}

{{- define "reflavor.apiServiceAccountName" -}}
{{- default (printf "%s-api" (include "reflavor.fullname" .)) .Values.api.serviceAccount.name }}
{{- end }}

{{- /* The operator's, in a flag. */ -}}
{{- define "reflavor.selectorList" -}}
{{- $pairs := list }}
{{- range $key, $value := include "reflavor.selectorLabels" . | fromYaml }}
{{- $pairs = append $pairs (printf "%s=%s" $key $value) }}
{{- end }}
{{- join "," $pairs }}
{{- end }}

{{- define "reflavor.labels" -}}
app.kubernetes.io/name: {{ include "reflavor.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: reflavor
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- end }}

{{- define "reflavor.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "reflavor.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* What the operator does in a namespace that it looks after. */ -}}
{{- define "reflavor.operatorRules" -}}
- apiGroups: [reflavor.dev]
  resources: [loadbalancers]
  verbs: [get, list, watch, patch]
- apiGroups: [reflavor.dev]
  resources: [amphorae]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [reflavor.dev]
  resources: [loadbalancers/status, amphorae/status]
  verbs: [update]
# Where OwnerReferencesPermissionEnforcement is on, an owner reference that blocks deletion needs this.
- apiGroups: [reflavor.dev]
  resources: [loadbalancers/finalizers]
  verbs: [update]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- if eq .Values.operator.driver "kubernetes" }}
# Amphorae: their pods, and what these load. The Secrets of listeners are read too.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, update, delete]
# VIPs: their Services and what guards the amphorae, by server-side apply; the slices of those that drain. Services of pools are read too.
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list, watch, create, update, delete]
{{- else }}
# Certificates of listeners, and members of pools that name a Service.
- apiGroups: [""]
  resources: [secrets, services]
  verbs: [list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
{{- end }}
{{- end }}

{{- /* What the API does in a namespace that it looks after, each time for somebody who may. */ -}}
{{- define "reflavor.apiRules" -}}
- apiGroups: [reflavor.dev]
  resources: [loadbalancers]
  verbs: [get, list, create, update, delete]
- apiGroups: [reflavor.dev]
  resources: [amphorae]
  verbs: [list]
{{- end }}
