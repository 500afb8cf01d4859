# SPDX-License-Identifier: Apache-2.0
# Registries for tests, beside lib.bash: Debian's docker-registry with TLS and a password, and one that misbehaves on purpose
# (registry.py). All on loopback, in the test file's own network namespace.

# FOLDER: a CA, and a certificate of localhost by it.
certs_make()
{
	local dir=$1
	mkdir -p "$dir"
	(
		cd "$dir" || exit 1
		openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj "/CN=test CA" -days 3
		openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost
		printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' >ext
		openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 3 -extfile ext
		mkdir peers && cp ca.crt peers/ # for skopeo and podman, which take every file for something
	) 2>/dev/null
}

# Everything that says who we are and whom we trust lies in the test's folder.
own_settings()
{
	export XDG_CONFIG_HOME=$1/config XDG_RUNTIME_DIR=$1/runtime HOME=$1/home
	export CONTAINERS_REGISTRIES_CONF=$1/registries.conf
	mkdir -p "$XDG_CONFIG_HOME/containers" "$XDG_RUNTIME_DIR" "$HOME"
	: >"$CONTAINERS_REGISTRIES_CONF"
}

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# PORT FOLDER [auth]: docker-registry with the certificate of FOLDER; with auth it wants user and pass.
registry_start()
{
	local port=$1 dir=$2
	cat >"$dir/$port.yml" <<-END
		version: 0.1
		log: {level: error, accesslog: {disabled: true}}
		storage: {filesystem: {rootdirectory: $dir/data-$port}, delete: {enabled: true}}
		http: {addr: "127.0.0.1:$port", tls: {certificate: $dir/server.crt, key: $dir/server.key}}
	END
	if [ "${3-}" = auth ]; then
		htpasswd -Bbn user pass >"$dir/htpasswd"
		printf 'auth: {htpasswd: {realm: test, path: %s}}\n' "$dir/htpasswd" >>"$dir/$port.yml"
	fi
	docker-registry serve "$dir/$port.yml" >"$dir/$port.log" 2>&1 3>&- &
	registries="${registries-} $!"
	until_true 10 port_open "$port"
}

# PORT OTHER_PORT FOLDER LAYOUT: the one that misbehaves; it writes what it was asked to FOLDER/requests.
bad_registry_start()
{
	python3 "$BATS_TEST_DIRNAME/registry.py" "$1" "$2" "$3" "$4" >"$3/bad.log" 2>&1 3>&- &
	registries="${registries-} $!"
	until_true 10 port_open "$1"
	until_true 10 port_open "$2"
}

registries_stop()
{
	local pid
	for pid in ${registries-}; do
		kill "$pid"
		wait "$pid" 2>/dev/null || true
	done
	registries=
}
