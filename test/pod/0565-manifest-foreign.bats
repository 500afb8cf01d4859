#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A Kubernetes Pod and an appc PodManifest run; a pod comes back as a manifest that runs it again.
load lib

manifest() { cat >"$BATS_TEST_TMPDIR/pod.yaml"; }
run_manifest() { run_rocket run "$@" -f "$BATS_TEST_TMPDIR/pod.yaml"; }

@test "a Kubernetes Pod with a ConfigMap, a Secret and volumes runs" {
	mkdir -p "$BATS_TEST_TMPDIR/site"
	echo page >"$BATS_TEST_TMPDIR/site/index"
	manifest <<-EOF
	apiVersion: v1
	kind: ConfigMap
	metadata: {name: settings}
	data: {MODE: prod}
	---
	apiVersion: v1
	kind: Secret
	metadata: {name: keys}
	data: {password: aHVudGVyMg==}
	---
	apiVersion: v1
	kind: Pod
	metadata: {name: kube, labels: {app: kube}}
	spec:
	  restartPolicy: Never
	  terminationGracePeriodSeconds: 1
	  securityContext: {runAsUser: 1000, runAsGroup: 1000, fsGroup: 2000}
	  containers:
	  - name: main
	    image: box
	    command: [sh, -c]
	    args:
	    - id -u; id -G; echo \$MODE \$PW \$NAME; cat /site/index; touch /data/x && stat -c %g /data/x; df /fast | tail -1 | tr -s ' '; ! touch /y 2>/dev/null && echo sealed
	    envFrom: [{configMapRef: {name: settings}}]
	    env:
	    - {name: PW, valueFrom: {secretKeyRef: {name: keys, key: password}}}
	    - {name: NAME, value: "\$(MODE)-pod"}
	    resources: {limits: {memory: 64Mi, cpu: 500m}}
	    volumeMounts:
	    - {name: site, mountPath: /site, readOnly: true}
	    - {name: data, mountPath: /data}
	    - {name: fast, mountPath: /fast}
	    securityContext: {runAsNonRoot: true, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
	  volumes:
	  - {name: site, hostPath: {path: $BATS_TEST_TMPDIR/site}}
	  - {name: data, emptyDir: {}}
	  - {name: fast, emptyDir: {medium: Memory, sizeLimit: 4Mi}}
	EOF
	run_manifest
	assert_exit 0
	assert_has $'1000\n1000 2000\nprod hunter2 prod-pod\npage\n2000\ntmpfs 4096'
	assert_has sealed
}

@test "fields that can't be honoured are refused by name, or warned of" {
	manifest <<-'EOF'
	apiVersion: v1
	kind: Pod
	metadata: {name: kube}
	spec:
	  restartPolicy: Never
	  nodeSelector: {disk: ssd}
	  containers: [{name: main, image: box, args: [echo, here], terminationMessagePath: /x}]
	EOF
	run_manifest
	assert_error 2 pod.yaml:6:3 nodeSelector
	run_manifest --ignore-unknown
	assert_exit 0
	assert_out here
	[[ $stderr = *nodeSelector*terminationMessagePath* ]]
}

@test "what the owner must not be is checked against the image" {
	manifest <<-'EOF'
	apiVersion: v1
	kind: Pod
	metadata: {name: kube}
	spec:
	  containers: [{name: main, image: box, securityContext: {runAsNonRoot: true}}]
	EOF
	run_manifest
	[ "$status" -ne 0 ]
	[[ $stderr = *"must not run as root"* ]]
}

@test "a pod's manifest runs it again" {
	rocket run -d --name first -m 64m -e A=b -u 1000 box sleep 1000
	rocket manifest first >"$BATS_TEST_TMPDIR/pod.yaml"
	rocket rm -f first
	run_manifest -d
	assert_exit 0
	[ "$(rocket enter first id -u)" = 1000 ]
	[ "$(rocket enter first sh -c 'echo $A')" = b ]
	rocket manifest first >"$BATS_TEST_TMPDIR/again.yaml"
	diff "$BATS_TEST_TMPDIR/pod.yaml" "$BATS_TEST_TMPDIR/again.yaml"
}
