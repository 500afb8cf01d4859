#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Secrets and config files: where they come from, how they lie in the app, and that no disk ever sees them.
load lib

manifest() { cat >"$BATS_TEST_TMPDIR/pod.yaml"; }
run_manifest() { run_rocket run "$@" -f "$BATS_TEST_TMPDIR/pod.yaml"; }

@test "a secret from a file, the environment, stdin and a credential: on tmpfs, 0400, the app's user's" {
	printf 'f-secret' >"$BATS_TEST_TMPDIR/token"
	mkdir "$BATS_TEST_TMPDIR/credentials"
	printf 'c-secret' >"$BATS_TEST_TMPDIR/credentials/key"
	manifest <<-'EOF'
	secrets:
	  token: {file: ./token}
	  pw: {env: THE_PW}
	  pin: {stdin: true}
	  key: {credential: key}
	apps:
	  a:
	    image: box
	    user: "1234:77"
	    secrets: {token: , pw: /etc/app/pw, pin: {to: pin, mode: "0440"}, key: key.pem}
	    args: [sh, -c, "cd /run/secrets; stat -c '%n %a %u:%g' *; stat -f -c %T token; cat token /etc/app/pw pin key.pem; echo; ! echo x >token"]
	EOF
	export THE_PW=e-secret CREDENTIALS_DIRECTORY=$BATS_TEST_TMPDIR/credentials
	run --separate-stderr rocket run -f "$BATS_TEST_TMPDIR/pod.yaml" < <(printf s-secret)
	assert_exit 0
	assert_has "token 400 1234:77"
	assert_has "pin 440 1234:77"
	assert_has "key.pem 400 1234:77"
	assert_has tmpfs
	assert_has f-secrete-secrets-secretc-secret
	run ! grep -rlE --exclude='*.log' '[fesc]-secret' "$ROCKET_DIR"
}

@test "another app of the pod does not see it" {
	printf x >"$BATS_TEST_TMPDIR/token"
	manifest <<-'EOF'
	secrets: {token: {file: ./token}}
	apps:
	  a: {image: box, secrets: [token], args: [cat, /run/secrets/token]}
	  b: {image: box, args: [sh, -c, "! ls /run/secrets/token && ! find / -name token -not -path '/proc/*' | grep ."]}
	EOF
	run_manifest
	assert_exit 0
}

@test "config: text and files, read-only, where the app wants them" {
	printf 'from a file\n' >"$BATS_TEST_TMPDIR/site.conf"
	manifest <<-'EOF'
	config:
	  site: {file: ./site.conf}
	  motd: "hello\n"
	  note: {text: "a note\n"}
	apps:
	  a:
	    image: box
	    user: "1234"
	    config: {site: /etc/site/conf.d/site.conf, motd: /etc/motd, note: {to: /etc/note, mode: "0600"}}
	    args: [sh, -c, "cat /etc/site/conf.d/site.conf /etc/motd /etc/note; stat -c '%a %u' /etc/motd /etc/note"]
	EOF
	run_manifest
	assert_exit 0
	assert_out $'from a file\nhello\na note\n444 1234\n600 1234'
}

@test "--secret, and a pod that is started again reads it anew" {
	printf one >"$BATS_TEST_TMPDIR/token"
	run_rocket run --name again box --secret "token=$BATS_TEST_TMPDIR/token" -- cat /run/secrets/token
	assert_exit 0
	assert_has one
	printf two >"$BATS_TEST_TMPDIR/token"
	run_rocket start again
	assert_exit 0
	rocket wait again
	run_rocket logs again
	assert_out $'one\ntwo'
	rm "$BATS_TEST_TMPDIR/token"
	run_rocket start again
	assert_error 125 "can't read the secret" "No such file"
}

@test "a secret outlives a restart of its app" {
	run_rocket run -d --name stay box --secret pw=env:PATH -- sh -c 'cat /run/secrets/pw; echo; sleep 1000'
	assert_exit 0
	rocket restart stay
	until_true 5 eval '[ "$(rocket logs stay | grep -c :)" -ge 2 ]'
}

@test "what is wrong is refused by name, with the fix" {
	manifest <<-'EOF'
	secrets: {token: {file: ./t}}
	apps: {a: {image: box, secrets: [tokem]}}
	EOF
	run_manifest
	assert_error 2 "no secret 'tokem'" token
	manifest <<-'EOF'
	secrets: {token: {text: hunter2}}
	apps: {a: {image: box, secrets: [token]}}
	EOF
	run_manifest
	assert_error 2 "does not stand in the manifest"
	manifest <<-'EOF'
	secrets: {token: {file: ./t, env: T}}
	apps: {a: {image: box}}
	EOF
	run_manifest
	assert_error 2 "exactly one of"
	manifest <<-'EOF'
	secrets: {t: {file: ./t}, u: {file: ./u}}
	apps: {a: {image: box, secrets: {t: /etc/x, u: /etc/x}}}
	EOF
	run_manifest
	assert_error 2 "two mounts on the path /etc/x" "secret t" "secret u"
	manifest <<-'EOF'
	config: {c: x}
	apps: {a: {image: box, config: {c: etc/x}}}
	EOF
	run_manifest
	assert_error 2 "etc/x"
	run_rocket run box --secret token
	assert_error 2 "where the secret comes from"
	run_rocket run box --secret t=env:NOT_SET_AT_ALL -- true
	assert_error 125 "not set"
	run_rocket run box --secret t=credential:k -- true
	assert_error 125 "CREDENTIALS_DIRECTORY"
}
