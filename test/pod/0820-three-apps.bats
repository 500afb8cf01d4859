#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# One application of three apps from Debian's packages, each of which only knows 127.0.0.1: nginx asks node, node asks
# PostgreSQL. Images and configuration are the same at every distance; one word of the manifest differs.
load lib

PG=$(echo /usr/lib/postgresql/*/bin)
PG=${PG%/bin}

recipe()
{
	mkdir -p "$BATS_FILE_TMPDIR/$1"
	cat >"$BATS_FILE_TMPDIR/$1/recipe.yaml"
	rocket build "$BATS_FILE_TMPDIR/$1" >/dev/null
}

file_setup()
{
	recipe web <<-'EOR'
	name: web
	files:
	  - /usr/sbin/nginx
	  - {dir: /var/lib/nginx, owner: nginx}
	  - {dir: /var/log/nginx, owner: nginx}
	  - {dir: /tmp, mode: 1777}
	  - text: |
	      pid /tmp/nginx.pid;
	      error_log stderr;
	      events {}
	      http { access_log off; server { listen 80; location / { proxy_pass http://127.0.0.1:3000; } } }
	    to: /etc/nginx/nginx.conf
	users: {nginx: {uid: 101, home: /tmp}}
	entrypoint: [/usr/sbin/nginx, -g, daemon off;]
	user: nginx
	EOR
	recipe api <<-EOR
	name: api
	files:
	  - /usr/bin/node
	  - $PG/bin/psql
	  - text: |
	      const {execFile} = require('child_process');
	      require('http').createServer((q, r) => execFile('$PG/bin/psql',
	        ['-h', '127.0.0.1', '-U', 'postgres', '-Atc', "select 'answer ' || 6 * 7"],
	        (e, out, err) => { r.statusCode = e ? 503 : 200; r.end(e ? err : out); })).listen(3000, '127.0.0.1');
	    to: /api.js
	entrypoint: [/usr/bin/node, /api.js]
	EOR
	recipe db <<-EOR
	name: db
	files:
	  - $PG/bin/postgres
	  - $PG/bin/initdb
	  - $PG/lib/plpgsql.so
	  - $PG/lib/dict_snowball.so
	  - /usr/share/postgresql/${PG##*/}
	  - /usr/share/zoneinfo/Etc/UTC
	  - /bin/busybox
	  - {link: /bin/sh, to: busybox}
	  - {dir: /tmp, mode: 1777}
	  - {dir: /data, owner: postgres, mode: 700}
	env: {PATH: "$PG/bin:/bin", TZ: Etc/UTC}
	users: {postgres: {uid: 70, home: /data}}
	entrypoint: [/bin/sh, -c, "initdb -D /data/db --no-locale -E UTF8 -A trust >/dev/null && exec postgres -D /data/db -k /tmp -c listen_addresses=127.0.0.1 -c jit=off"]
	user: postgres
	EOR
}

@test "nginx, node and PostgreSQL with 127.0.0.1 in their configuration run joined, close and apart" {
	local word
	for word in joined close apart; do
		cat >"$BATS_TEST_TMPDIR/pod.yaml" <<-EOP
		pod: shop
		distance: $word
		apps: {web: {image: web}, api: {image: api}, db: {image: db}}
		links: ["web -> api: tcp 3000", "api -> db: tcp 5432"]
		holes: ["in:18080:80@web"]
		EOP
		rocket run -d -f "$BATS_TEST_TMPDIR/pod.yaml" >/dev/null
		until_true 30 sh -c 'curl -s --max-time 5 http://127.0.0.1:18080/ | grep -q "answer 42"'
		rocket rm -f shop >/dev/null
	done
}
