/* SPDX-License-Identifier: Apache-2.0 */
/* spec: a config.json to begin with. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/str.h"
#include "oci/oci.h"

enum { OPT_BUNDLE_DIR, OPT_ROOTLESS };

static const struct opt opts[] = {
	{ "bundle", 'b', "DIR", "where it goes; the current directory unless given", OPT_BUNDLE_DIR, "dir" },
	{ "rootless", 0, NULL, "for who is not root: one id in a user namespace of its own", OPT_ROOTLESS, NULL },
	{},
};

struct asked {
	const char *bundle;
	bool rootless;
};

static int take(void *to, const struct opt *opt, const char *value, struct err *e)
{
	struct asked *x = to;

	if (opt->id == OPT_ROOTLESS)
		x->rootless = true;
	else
		x->bundle = value;
	return 0;
}

static const char caps[] = "[\"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\"]";

static void add_process(struct str *out)
{
	str_add(out, "{\n  \"ociVersion\": \"1.0.2\",\n  \"process\": {\n    \"terminal\": true,\n"
		     "    \"user\": {\"uid\": 0, \"gid\": 0},\n    \"args\": [\"sh\"],\n"
		     "    \"env\": [\n      \"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\",\n"
		     "      \"TERM=xterm\"\n    ],\n    \"cwd\": \"/\",\n");
	str_addf(out, "    \"capabilities\": {\n      \"bounding\": %s,\n      \"effective\": %s,\n      \"permitted\": %s\n    },\n",
		 caps, caps, caps);
	str_add(out, "    \"rlimits\": [{\"type\": \"RLIMIT_NOFILE\", \"hard\": 1024, \"soft\": 1024}],\n"
		     "    \"noNewPrivileges\": true\n  },\n"
		     "  \"root\": {\"path\": \"rootfs\", \"readonly\": true},\n  \"hostname\": \"rocket\",\n");
}

static void add_mounts(struct str *out, bool rootless)
{
	str_add(out, "  \"mounts\": [\n"
		     "    {\"destination\": \"/proc\", \"type\": \"proc\", \"source\": \"proc\"},\n"
		     "    {\"destination\": \"/dev\", \"type\": \"tmpfs\", \"source\": \"tmpfs\",\n"
		     "     \"options\": [\"nosuid\", \"strictatime\", \"mode=755\", \"size=65536k\"]},\n");
	str_addf(out, "    {\"destination\": \"/dev/pts\", \"type\": \"devpts\", \"source\": \"devpts\",\n"
		      "     \"options\": [\"nosuid\", \"noexec\", \"newinstance\", \"ptmxmode=0666\", \"mode=0620\"%s]},\n",
		 rootless ? "" : ", \"gid=5\"");
	str_add(out, "    {\"destination\": \"/dev/shm\", \"type\": \"tmpfs\", \"source\": \"shm\",\n"
		     "     \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"mode=1777\", \"size=65536k\"]},\n"
		     "    {\"destination\": \"/dev/mqueue\", \"type\": \"mqueue\", \"source\": \"mqueue\",\n"
		     "     \"options\": [\"nosuid\", \"noexec\", \"nodev\"]},\n"
		     "    {\"destination\": \"/sys\", \"type\": \"sysfs\", \"source\": \"sysfs\",\n"
		     "     \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"ro\"]},\n"
		     "    {\"destination\": \"/sys/fs/cgroup\", \"type\": \"cgroup\", \"source\": \"cgroup\",\n"
		     "     \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"relatime\", \"ro\"]}\n  ],\n");
}

static void add_linux(struct str *out, bool rootless)
{
	str_add(out, "  \"linux\": {\n");
	if (rootless)
		str_addf(out, "    \"uidMappings\": [{\"containerID\": 0, \"hostID\": %u, \"size\": 1}],\n"
			      "    \"gidMappings\": [{\"containerID\": 0, \"hostID\": %u, \"size\": 1}],\n",
			 geteuid(), getegid());
	else
		str_add(out, "    \"resources\": {\"devices\": [{\"allow\": false, \"access\": \"rwm\"}]},\n");
	str_addf(out, "    \"namespaces\": [\n      {\"type\": \"pid\"}, {\"type\": \"network\"}, {\"type\": \"ipc\"}, "
		      "{\"type\": \"uts\"},\n      {\"type\": \"mount\"}, {\"type\": \"cgroup\"}%s\n    ],\n",
		 rootless ? ", {\"type\": \"user\"}" : "");
	str_add(out, "    \"maskedPaths\": [\n      \"/proc/acpi\", \"/proc/asound\", \"/proc/kcore\", \"/proc/keys\", "
		     "\"/proc/latency_stats\",\n      \"/proc/timer_list\", \"/proc/timer_stats\", \"/proc/sched_debug\", "
		     "\"/sys/firmware\", \"/proc/scsi\"\n    ],\n"
		     "    \"readonlyPaths\": [\"/proc/bus\", \"/proc/fs\", \"/proc/irq\", \"/proc/sys\", "
		     "\"/proc/sysrq-trigger\"]\n  }\n}\n");
}

static int run(struct oci *o, int argc, char **argv, int *ret_code, struct err *e)
{
	struct asked x = { .bundle = "." };
	autostr out = {};
	char **words = NULL;
	int r = oci_parse(o, argc, argv, 0, 0, take, &x, &words, e);

	if (r != 0)
		return r < 0 ? r : 0;
	add_process(&out);
	add_mounts(&out, x.rootless);
	add_linux(&out, x.rootless);
	autoclose int dir = open(x.bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(e, "can't open %.160s", x.bundle);
	autoclose int fd = openat(dir, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0 || io_write_all(fd, out.text, out.len) < 0)
		return err_errno(e, "can't write %.160s/config.json", x.bundle);
	return 0;
}

const struct oci_verb oci_verb_spec = {
	.name = "spec", .words = "", .what = "Write a config.json to begin with", .opts = opts, .example = "spec --bundle /tmp/bundle",
	.run = run,
};
