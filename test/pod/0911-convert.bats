#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# rocket convert: to Kubernetes and back, from docker run, and a unit with credentials. What is lost is said.
load lib

@test "from docker-run: the manifest runs, and what could not be carried over is listed" {
	run_rocket convert --from docker-run --lossy -- docker run -d --name shop -p 127.0.0.1:7911:80 -e A=1 -e B='x y' -v data:/data -v /srv:/srv:ro --tmpfs /t:size=4m -m 64m --cpus 0.5 --cap-drop ALL --restart unless-stopped --stop-timeout 3 --ulimit nofile=100:200 --read-only -it --log-driver journald --entrypoint sh box -c 'echo hi'
	assert_exit 0
	assert_has "pod: shop"
	assert_has '"in:127.0.0.1:7911:80"'
	assert_has '"path:/srv:/srv"'
	assert_has 'memory: 67108864, cpus: 0.5'
	assert_has 'data: {keep: true}'
	[[ $stderr == *--log-driver* ]]
	run_rocket convert --from docker-run -- --log-driver x box
	assert_exit 1
	rocket convert --from docker-run -- --rm --name conv -e A=1 -v conv:/data box sh -c 'echo $A; touch /data/x' >"$BATS_TEST_TMPDIR/pod.yaml"
	run_rocket run --rm -f "$BATS_TEST_TMPDIR/pod.yaml"
	assert_exit 0
	assert_out 1
	rocket volume rm conv
}

@test "from docker-run: what is not known is refused, not guessed" {
	run_rocket convert --from docker-run -- --frobnicate x box
	assert_error 2 "--frobnicate"
	run_rocket convert --from docker-run -- -p
	assert_error 2 "without its value"
	run_rocket convert --from docker-run -- -d
	assert_error 2 "names no image"
	run_rocket convert --from lcx -- x
	assert_error 2 lcx
}

@test "to kubernetes: Pod, Service, policies; Rocket reads its own Pod again" {
	cat >"$BATS_TEST_TMPDIR/pod.yaml" <<-'EOF'
	pod: shop
	volumes: {data: {keep: true}, tmp: {}}
	apps:
	  web:
	    image: box
	    args: [sleep, "1000"]
	    stop: {signal: KILL}
	    mounts: {/data: data, /x: tmp, /t: tmpfs 4Mi}
	    limits: {memory: 64Mi}
	    ready: {exec: ["true"], every: 1s}
	    after: [side]
	  side: {image: box, args: [sleep, "1000"], stop: {signal: KILL}}
	holes: [in:7912:80@web]
	EOF
	rocket run -d -f "$BATS_TEST_TMPDIR/pod.yaml"
	run_rocket convert --to kubernetes shop
	assert_exit 1
	[[ $stderr == *after* && $stderr == *--lossy* ]]
	run_rocket convert --to kubernetes --lossy shop
	assert_exit 0
	for word in "kind: Pod" "kind: Service" "kind: NetworkPolicy" "kind: PersistentVolumeClaim" "policyTypes: [Ingress, Egress]" "egress: []" "readinessProbe" "targetPort: 80"; do
		assert_has "$word"
	done
	# The Pod alone is a manifest of ours again.
	awk 'BEGIN { RS = "---\n" } /kind: Pod\n/' <<<"$output" >"$BATS_TEST_TMPDIR/again.yaml"
	sed -i 's/name: "shop"/name: "again"/; /ports:/,/containerPort/d' "$BATS_TEST_TMPDIR/again.yaml"
	run_rocket plan -f "$BATS_TEST_TMPDIR/again.yaml"
	assert_exit 0
	rocket rm -f shop >/dev/null
	rocket volume rm data
}

@test "to systemd: credentials are loaded" {
	mkdir "$BATS_TEST_TMPDIR/c"
	printf x >"$BATS_TEST_TMPDIR/c/key"
	CREDENTIALS_DIRECTORY=$BATS_TEST_TMPDIR/c rocket run -d --name unit box --secret k=credential:key --stop-signal KILL -- sleep 1000
	run_rocket convert --to systemd unit
	assert_exit 0
	assert_has "LoadCredential=key"
	assert_has "Type=notify"
}
