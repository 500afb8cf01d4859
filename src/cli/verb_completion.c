/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rocket completion: scripts for shells, and what the scripts ask. Names of pods, images and volumes come
 * from the verbs that list them, run here with -o name.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/complete.h"
#include "cli/pod_look.h"
#include "cli/verbs.h"

static const char bash_script[] =
	"# bash completion for rocket\n"
	"_rocket() {\n"
	"\tlocal IFS=$'\\n' line=${COMP_LINE:0:COMP_POINT} words lines current head i\n"
	"\tIFS=$' \\t\\n' read -ra words <<<\"$line\"\n"
	"\t[[ $line == *[[:blank:]] ]] && words+=('')\n"
	"\tcurrent=${words[${#words[@]}-1]}\n"
	"\t# What bash parts at ':' and '=' it wants back without the part before.\n"
	"\thead=${current%\"${COMP_WORDS[COMP_CWORD]}\"}\n"
	"\t[[ ${COMP_WORDS[COMP_CWORD]} == [:=] ]] && head=$current\n"
	"\tlines=$(\"${words[0]}\" completion words -- \"${words[@]:1}\" 2>/dev/null)\n"
	"\tcase $lines in\n"
	"\t:file) compopt -o filenames; COMPREPLY=($(compgen -f -- \"${current#\"$head\"}\")) ;;\n"
	"\t:dir) compopt -o filenames; COMPREPLY=($(compgen -d -- \"${current#\"$head\"}\")) ;;\n"
	"\t*)\n"
	"\t\tCOMPREPLY=()\n"
	"\t\tfor i in $lines; do\n"
	"\t\t\ti=${i%%$'\\t'*}\n"
	"\t\t\t[[ $i == \"$current\"* ]] && COMPREPLY+=(\"${i#\"$head\"}\")\n"
	"\t\tdone ;;\n"
	"\tesac\n"
	"}\n"
	"complete -F _rocket rocket\n";

static const char zsh_script[] =
	"#compdef rocket\n"
	"_rocket() {\n"
	"\tlocal -a lines names\n"
	"\tlocal line\n"
	"\tlines=(\"${(@f)$($words[1] completion words -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
	"\tcase $lines[1] in\n"
	"\t:file) _files; return ;;\n"
	"\t:dir) _files -/; return ;;\n"
	"\tesac\n"
	"\tfor line in $lines; do\n"
	"\t\tnames+=(\"${${line%%$'\\t'*}//:/\\\\:}${${(M)line%$'\\t'*}/$'\\t'/:}\")\n"
	"\tdone\n"
	"\t_describe rocket names\n"
	"}\n"
	"compdef _rocket rocket\n";

static const char fish_script[] =
	"# fish completion for rocket\n"
	"function __rocket_complete\n"
	"\tset -l words (commandline -opc) (commandline -ct)\n"
	"\tset -l lines ($words[1] completion words -- $words[2..-1] 2>/dev/null)\n"
	"\tswitch \"$lines[1]\"\n"
	"\t\tcase :file\n"
	"\t\t\t__fish_complete_path (commandline -ct)\n"
	"\t\tcase :dir\n"
	"\t\t\t__fish_complete_directories (commandline -ct)\n"
	"\t\tcase '*'\n"
	"\t\t\tprintf '%s\\n' $lines\n"
	"\tend\n"
	"end\n"
	"complete -c rocket -f -a '(__rocket_complete)'\n";

static const struct {
	const char *shell, *script;
} scripts[] = {
	{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script},
};

/* Which verb lists the things of a kind. */
static const struct {
	const char *kind, *verb, *sub;
} listers[] = {
	{"pod", "list", NULL}, {"image", "image", "list"}, {"volume", "volume", "list"},
};

static int take_none(void *context, const struct opt *o, const char *value, struct err *e)
{
	return 0; /* the verb has no options of its own */
}

static int list_things(const struct cli *cli, const char *kind)
{
	struct cli names = *cli;
	char *argv[] = {NULL, NULL};

	for (size_t i = 0; i < ARRAY_SIZE(listers); i++) {
		const struct verb *v = verb_find(cli_verbs, listers[i].verb);

		if (strcmp(listers[i].kind, kind) != 0 || !v)
			continue;
		names.parent = listers[i].sub ? v : NULL;
		names.verb = listers[i].sub ? verb_find(v->verbs, listers[i].sub) : v;
		names.output = CLI_NAME;
		argv[0] = arena_strdup(cli->arena, names.verb->name);
		return names.verb->run(&names, 1, argv);
	}
	return 0;
}

/* Pods, and the apps of those that have several. */
static int list_apps(struct cli *cli, struct err *e)
{
	autostate s = {-1, -1};
	struct pod_entry *pods;
	autostr out = {};
	size_t n;

	if (pod_look_state(cli, &s, e) < 0 || state_list_pods(&s, cli->arena, &pods, &n, e) < 0)
		return -e->code;
	for (size_t i = 0; i < n; i++) {
		autolook p = POD_LOOK_NONE;
		struct err gone = {};

		if (pod_look_open(cli, &s, pods[i].id, &p, &gone) < 0)
			continue;
		str_addf(&out, "%s\n", p.plan.name);
		for (size_t j = 0; p.plan.apps.n > 1 && j < p.plan.apps.n; j++)
			str_addf(&out, "%s/%s\n", p.plan.name, p.plan.apps.v[j].name);
	}
	return cli_print(cli, str_text(&out), out.len);
}

static int complete_words(struct cli *cli, int n, char **words)
{
	struct completion c;
	struct err e = {};
	autostr out = {};

	if (complete_find(cli, n, words, &c, &e) < 0)
		return cli_fail(cli, &e);
	if (!complete_add(&out, &c) && strcmp(c.kind, "app") == 0) {
		int r = list_apps(cli, &e);

		return r < 0 ? cli_fail(cli, &e) : r;
	}
	if (!out.len && c.kind)
		return list_things(cli, c.kind);
	return cli_print(cli, str_text(&out), out.len);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct err e = {};
	char **words;
	int n;

	if (cli_parse(cli, argc, argv, take_none, NULL, &words, &n, &e) < 0 || cli_check_words(cli, n, 1, -1, &e) < 0)
		return cli_fail(cli, &e);
	if (strcmp(words[0], "words") == 0)
		return complete_words(cli, n - 1, words + 1);
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		if (strcmp(scripts[i].shell, words[0]) == 0 && n == 1)
			return cli_print(cli, scripts[i].script, strlen(scripts[i].script));
	}
	err_new(&e, ERR_USAGE, "there is no completion for %.60s", words[0]);
	err_because(&e, "bash, zsh and fish have one");
	err_try(&e, "rocket completion bash");
	return cli_fail(cli, &e);
}

const struct verb cli_verb_completion = {
	.name = "completion",
	.summary = "print the completion script for a shell",
	.usage = "bash|zsh|fish",
	.words = (const char *const[]){"bash|zsh|fish", NULL},
	.example = "rocket completion bash > /etc/bash_completion.d/rocket\n"
		   "rocket completion zsh > /usr/share/zsh/vendor-completions/_rocket\n"
		   "rocket completion fish > ~/.config/fish/completions/rocket.fish",
	.run = run,
};
