#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Kubernetes Pods as projects write them: what runs, what each field becomes, and what is refused by name.
load lib

manifest() { cat >"$BATS_TEST_TMPDIR/pod.yaml"; }
run_manifest() { run_rocket run "$@" -f "$BATS_TEST_TMPDIR/pod.yaml"; }

@test "a web server with its config, a secret, probes and a lifecycle" {
	manifest <<-'EOF'
	apiVersion: v1
	kind: ConfigMap
	metadata: {name: site}
	data:
	  index.html: "<h1>hello</h1>"
	  motd: "be nice\n"
	binaryData: {logo: iVBORw==}
	---
	apiVersion: v1
	kind: Secret
	metadata: {name: login}
	type: Opaque
	data: {password: aHVudGVyMg==}
	stringData: {user: admin}
	---
	apiVersion: v1
	kind: Pod
	metadata: {name: web, labels: {app: web, tier: front}, annotations: {note: "a \"b\""}}
	spec:
	  restartPolicy: Never
	  terminationGracePeriodSeconds: 5
	  securityContext: {fsGroup: 2000, runAsNonRoot: true, fsGroupChangePolicy: OnRootMismatch}
	  volumes:
	  - {name: html, configMap: {name: site, items: [{key: index.html, path: index.html}]}}
	  - {name: login, secret: {secretName: login, defaultMode: 0400}}
	  - name: all
	    projected:
	      sources:
	      - configMap: {name: site, items: [{key: motd, path: etc/motd}, {key: logo, path: logo.png, mode: 0444}]}
	      - secret: {name: login, items: [{key: user, path: user}]}
	      - downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}
	  - {name: scratch, emptyDir: {medium: Memory, sizeLimit: 4Mi}}
	  - {name: missing, configMap: {name: nothing, optional: true}}
	  containers:
	  - name: httpd
	    image: box
	    imagePullPolicy: Never
	    command: [sh, -c, "httpd -f -p 8080 -h /www"]
	    securityContext: {runAsUser: 1234, runAsGroup: 1234, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}, procMount: Default}
	    ports: [{name: http, containerPort: 8080}]
	    env:
	    - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
	    - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
	    - {name: PASSWORD, valueFrom: {secretKeyRef: {name: login, key: password}}}
	    - {name: MEM, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}}
	    resources: {limits: {memory: 64Mi}}
	    volumeMounts:
	    - {name: html, mountPath: /www}
	    - {name: login, mountPath: /login, readOnly: true}
	    - {name: all, mountPath: /all}
	    - {name: all, mountPath: /etc/motd, subPath: etc/motd}
	    - {name: scratch, mountPath: /scratch}
	    readinessProbe: {httpGet: {path: /index.html, port: http}, periodSeconds: 1}
	    livenessProbe: {tcpSocket: {port: 8080}, initialDelaySeconds: 1}
	    startupProbe: {exec: {command: [test, -d, /www]}, failureThreshold: 30}
	    lifecycle: {postStart: {exec: {command: [sh, -c, "echo begun >/scratch/hook"]}}, preStop: {sleep: {seconds: 1}}}
	EOF
	run_manifest -d --wait
	assert_exit 0
	run_rocket enter web sh -c 'cat /www/index.html; echo; cat /login/password; echo; cat /all/etc/motd /all/user; echo; cat /all/labels /etc/motd /scratch/hook; wc -c </all/logo.png; echo $POD $IP $PASSWORD $MEM; id -G; stat -L -c "%a %g" /login/password /all/logo.png; ls -d /missing 2>&1'
	assert_has '<h1>hello</h1>'
	assert_has hunter2
	assert_has $'be nice\nadmin'
	assert_has 'app="web"'
	assert_has begun
	assert_has $'\n4\n'
	assert_has "web 127.0.0.1 hunter2 64"
	assert_has 2000
	assert_has "400 2000"
	assert_has "444 2000"
	run_rocket plan -f "$BATS_TEST_TMPDIR/pod.yaml"
	[[ $output != *aHVudGVyMg* ]]
	SECONDS=0
	rocket stop web
	[ "$SECONDS" -ge 1 ]
}

@test "init containers, a sidecar with a startup probe, and a job, in their order" {
	manifest <<-'EOF'
	apiVersion: v1
	kind: Pod
	metadata: {name: job}
	spec:
	  restartPolicy: Never
	  volumes: [{name: v, emptyDir: {}}]
	  initContainers:
	  - {name: one, image: box, command: [sh, -c, "echo one >>/v/log"], volumeMounts: [{name: v, mountPath: /v}]}
	  - name: side
	    image: box
	    restartPolicy: Always
	    command: [sh, -c, "sleep 0.5; echo side >>/v/log; touch /tmp/up; sleep 1000"]
	    startupProbe: {exec: {command: [test, -e, /tmp/up]}, periodSeconds: 1, failureThreshold: 60}
	    volumeMounts: [{name: v, mountPath: /v}]
	  - {name: two, image: box, command: [sh, -c, "echo two >>/v/log"], volumeMounts: [{name: v, mountPath: /v}]}
	  containers:
	  - {name: main, image: box, command: [cat, /v/log], volumeMounts: [{name: v, mountPath: /v}]}
	EOF
	run_manifest
	assert_exit 0
	assert_has one
	[[ $output =~ one.*side.*two ]]
}

@test "a claim outlives the Pod, subPath keeps to its folder and follows no link" {
	manifest <<-'EOF'
	apiVersion: v1
	kind: Pod
	metadata: {name: db}
	spec:
	  restartPolicy: Never
	  securityContext: {runAsUser: 999, fsGroup: 999}
	  volumes: [{name: data, persistentVolumeClaim: {claimName: db-data}}]
	  containers:
	  - {name: pg, image: box, command: [sh, -c, "echo x >>/data/f; cat /data/f; ln -sfn / /whole/evil; ls -d /whole/pg/main"], volumeMounts: [{name: data, mountPath: /data, subPath: pg/main}, {name: data, mountPath: /whole}]}
	EOF
	run_manifest --rm
	assert_exit 0
	run_manifest --rm
	assert_exit 0
	assert_has $'x\nx'
	sed -i 's,subPath: pg/main,subPath: evil/etc,' "$BATS_TEST_TMPDIR/pod.yaml"
	run_manifest --rm
	assert_error 125 "evil/etc"
	sed -i 's,subPath: evil/etc,subPath: ../x,' "$BATS_TEST_TMPDIR/pod.yaml"
	run_manifest --rm
	assert_error 2 "no path inside a volume"
	rocket volume rm db-data
}

@test "an image as a volume, hostPath as a listed hole, hostAliases, subdomain, dnsConfig, a deadline" {
	mkdir "$BATS_TEST_TMPDIR/site"
	echo hi >"$BATS_TEST_TMPDIR/site/a"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/site"
	manifest <<-EOF
	apiVersion: v1
	kind: Pod
	metadata: {name: misc}
	spec:
	  restartPolicy: Never
	  hostname: one
	  subdomain: sub
	  hostUsers: false
	  activeDeadlineSeconds: 100
	  hostAliases: [{ip: 10.0.0.7, hostnames: [db, db.local]}]
	  dnsPolicy: None
	  dnsConfig: {nameservers: [10.0.0.1], searches: [example.org], options: [{name: ndots, value: "2"}, {name: edns0}]}
	  volumes:
	  - {name: img, image: {reference: box, pullPolicy: IfNotPresent}}
	  - {name: site, hostPath: {path: $BATS_TEST_TMPDIR/site, type: ""}}
	  containers:
	  - name: a
	    image: box
	    command: [sh, -c, "cat /etc/hosts /etc/resolv.conf /site/a; ls /img/bin/busybox; ! touch /img/x"]
	    volumeMounts: [{name: img, mountPath: /img}, {name: site, mountPath: /site, readOnly: true}]
	EOF
	run_manifest
	assert_exit 0
	assert_has "10.0.0.7	db" || assert_has "10.0.0.7 db"
	assert_has "one.sub.default.svc.cluster.local"
	assert_has "nameserver 10.0.0.1"
	assert_has "options ndots:2 edns0"
	assert_has $'hi\n/img/bin/busybox'
	run_rocket plan -f "$BATS_TEST_TMPDIR/pod.yaml" -o json
	jq -e '.holes[] | select(.kind == "path")' <<<"$output"
	jq -e '.deadline_ns == 100000000000' <<<"$output"
}

@test "runAsGroup alone changes the group of the image's user" {
	manifest <<-'EOF'
	apiVersion: v1
	kind: Pod
	metadata: {name: grp}
	spec: {restartPolicy: Never, containers: [{name: a, image: box, command: [id], securityContext: {runAsGroup: 77}}]}
	EOF
	run_manifest
	assert_exit 0
	assert_has "gid=77"
}

# Each field that can't be honoured, and the words that name it.
@test "what can't be honoured is refused by name" {
	local field word
	while IFS='|' read -r field word; do
		cat >"$BATS_TEST_TMPDIR/pod.yaml" <<-EOF
		apiVersion: v1
		kind: Pod
		metadata: {name: no}
		spec: {$field restartPolicy: Never, containers: [{name: a, image: box, command: ["true"]}]}
		EOF
		run_manifest
		assert_error 2 "$word" "pod.yaml:4:"
	done <<-'EOF'
	nodeSelector: {a: b},|nodeSelector
	serviceAccountName: x,|serviceAccountName
	imagePullSecrets: [{name: a}],|imagePullSecrets
	securityContext: {appArmorProfile: {type: RuntimeDefault}},|appArmorProfile
	securityContext: {seLinuxOptions: {level: s0}},|seLinuxOptions
	securityContext: {fsGroupChangePolicy: Always},|fsGroupChangePolicy
	dnsPolicy: ClusterFirst,|dnsPolicy
	volumes: [{name: v, configMap: {name: nowhere}}],|no ConfigMap named nowhere
	volumes: [{name: v, projected: {sources: [{serviceAccountToken: {path: t}}]}}],|serviceAccountToken
	volumes: [{name: v, emptyDir: {sizeLimit: 1Mi}}],|sizeLimit
	volumes: [{name: v, nfs: {server: a, path: /}}],|nfs
	activeDeadlineSeconds: 0,|activeDeadlineSeconds
	EOF
	while IFS='|' read -r field word; do
		cat >"$BATS_TEST_TMPDIR/pod.yaml" <<-EOF
		apiVersion: v1
		kind: Pod
		metadata: {name: no}
		spec: {restartPolicy: Never, containers: [{name: a, image: box, $field command: ["true"]}]}
		EOF
		run_manifest
		assert_error 2 "$word" "pod.yaml:4:"
	done <<-'EOF'
	readinessProbe: {httpGet: {port: 80, scheme: HTTPS}},|HTTPS
	readinessProbe: {httpGet: {port: web}},|no port 'web'
	readinessProbe: {httpGet: {port: 80, host: example.org}},|example.org
	readinessProbe: {tcpSocket: {port: 80}, exec: {command: [a]}},|exactly one
	livenessProbe: {tcpSocket: {port: 80}, terminationGracePeriodSeconds: 5},|terminationGracePeriodSeconds
	lifecycle: {preStop: {tcpSocket: {port: 80}}},|tcpSocket
	securityContext: {procMount: Unmasked},|procMount
	imagePullPolicy: Sometimes,|imagePullPolicy
	volumeMounts: [{name: v, mountPath: /v, mountPropagation: Bidirectional}],|mountPropagation
	terminationMessagePath: /x,|terminationMessagePath
	EOF
}
