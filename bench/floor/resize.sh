#!/bin/bash
# The least that replacing the one HAProxy pod behind a Service takes: each step waits for what the next one can't do without, and for nothing else.
#   resize.sh NAMESPACE SERVICE OLD-POD NEW-POD MANIFEST-OF-THE-NEW-POD
# Needs kubectl and KUBECONFIG. Says after each step how many milliseconds have passed.
set -eu -o pipefail
namespace=$1 service=$2 old=$3 new=$4 manifest=$5
started=$(date +%s%3N)
in_namespace() { kubectl --namespace="$namespace" "$@" > /dev/null; }
passed() { echo "$1 $(($(date +%s%3N) - started))"; }

in_namespace create --filename="$manifest"
passed created
in_namespace wait "pod/$new" --for=condition=Ready --timeout=120s
passed ready
in_namespace patch service "$service" --type=merge --patch="{\"spec\":{\"selector\":{\"amphora\":\"$new\"}}}"
in_namespace wait endpointslice --selector="kubernetes.io/service-name=$service" --for="jsonpath={.endpoints[0].targetRef.name}=$new" --timeout=60s
passed switched
in_namespace delete pod "$old" --wait=false
passed deleted
