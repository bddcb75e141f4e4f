package startup

import (
	"path"
	"strings"
)

// wrapper is a program whose arguments are another command.
type wrapper struct {
	sub      string // subcommand that makes it a wrapper, "" if it always is one
	valued   string // its own options that take a value
	operands int    // words of its own before the command
	prepare  func(c *command, o options)
	// python tells that the command may be a Python file without an interpreter before it.
	python bool
}

// wrappers by the base name of the program. What an option list leaves out is taken as a switch.
var wrappers = map[string]wrapper{
	"tini":                     {valued: "-p -e"},
	"tini-static":              {valued: "-p -e"},
	"docker-init":              {valued: "-p -e"},
	"catatonit":                {},
	"dumb-init":                {valued: "-r --rewrite"},
	"pid1":                     {},
	"my_init":                  {},
	"su-exec":                  {operands: 1},
	"gosu":                     {operands: 1},
	"su":                       {valued: "-s --shell -g --group -G --supp-group -w --whitelist-environment -T", operands: 1},
	"runuser":                  {valued: "-s --shell -g --group -G --supp-group -w --whitelist-environment -T -u --user"},
	"setuidgid":                {operands: 1},
	"s6-setuidgid":             {operands: 1},
	"with-contenv":             {},
	"sudo":                     {valued: "-u -g -h -p -C -D --user --group --chdir", prepare: assignments},
	"doas":                     {valued: "-u -C"},
	"setpriv":                  {valued: "--reuid --regid --groups --inh-caps --bounding-set"},
	"chpst":                    {valued: "-u -U -e -m -d -n -l -L"},
	"nice":                     {valued: "-n --adjustment"},
	"ionice":                   {valued: "-c -n -p --class --classdata"},
	"nohup":                    {},
	"setsid":                   {},
	"unbuffer":                 {},
	"catchsegv":                {},
	"time":                     {valued: "-f -o --format --output"},
	"timeout":                  {valued: "-k -s --kill-after --signal", operands: 1},
	"stdbuf":                   {valued: "-i -o -e --input --output --error"},
	"xargs":                    {valued: "-I -n -P -L -d -a -s -E --max-args --max-procs --delimiter"},
	"xvfb-run":                 {valued: "-n -s -f -e --server-num --server-args"},
	"env":                      {valued: "-u --unset -C --chdir", prepare: assignments},
	"busybox":                  {},
	"wait-for-it":              {valued: "-h -p -t --host --port --timeout", operands: -1},
	"wait-for-it.sh":           {valued: "-h -p -t --host --port --timeout", operands: -1},
	"wait-for":                 {valued: "-t", operands: -1},
	"wait-for.sh":              {valued: "-t", operands: -1},
	"dockerize":                {valued: "-wait -timeout -template -stdout -stderr -wait-retry-interval -wait-http-header"},
	"poetry":                   {sub: "run", valued: "-C --directory -P --project", python: true},
	"pipenv":                   {sub: "run", python: true},
	"pdm":                      {sub: "run", valued: "-p --project --venv", python: true},
	"hatch":                    {sub: "run", valued: "-e --env -p --project", python: true},
	"rye":                      {sub: "run", python: true},
	"pixi":                     {sub: "run", valued: "-e --environment --manifest-path", python: true},
	"uv":                       {sub: "run", valued: uvValued, python: true, prepare: uvDirectory},
	"conda":                    {sub: "run", valued: "-n --name -p --prefix --cwd"},
	"mamba":                    {sub: "run", valued: "-n --name -p --prefix --cwd"},
	"micromamba":               {sub: "run", valued: "-n --name -p --prefix --cwd -r --root-prefix"},
	"ddtrace-run":              {},
	"sentry-run":               {},
	"scout-apm":                {},
	"elasticapm-run":           {valued: "--config"},
	"opentelemetry-instrument": {valued: otelValued},
	"newrelic-admin":           {sub: "run-program"},
	"watchmedo":                {sub: "auto-restart", valued: "-d --directory -p --pattern --patterns -i --ignore-pattern --ignore-patterns --signal --kill-after --interval --debounce-interval"},
	"watchfiles":               {valued: "--ignore-paths --filter --target-type --sigint-timeout --sigkill-timeout --log-level --args"},
	"hupper":                   {valued: "-w --watch -x --ignore"},
	"doppler":                  {sub: "run", valued: "-p -c -t --project --config --token --command"},
	"infisical":                {sub: "run", valued: "--env --path --projectId --token"},
	"dotenv":                   {valued: "-f --file -q -e", sub: "run"},
	"chamber":                  {sub: "exec", operands: -1},
	"op":                       {sub: "run", valued: "--env-file"},
	"memray":                   {sub: "run", valued: "-o --output -p --live-port", python: true},
	"py-spy":                   {sub: "record", valued: "-o --output -d --duration -r --rate -f --format"},
	"viztracer":                {valued: "-o --output_file --log_func_args", python: true},
	"accelerate":               {sub: "launch", valued: "--config_file --num_processes --num_machines --mixed_precision --main_process_port", python: true},
	"torchrun":                 {valued: "--nproc_per_node --nproc-per-node --nnodes --node_rank --node-rank --master_addr --master_port --rdzv_backend --rdzv_endpoint --rdzv_id", python: true},
	"mpirun":                   {valued: "-n -np --np -H --host -hostfile --hostfile -x"},
}

const (
	uvValued = "--with --with-editable --with-requirements -p --python --directory --project --package --env-file --extra " +
		"--group --no-group --only-group --no-extra --index-url -i --extra-index-url --index --default-index -f --find-links --cache-dir " +
		"--config-file --color --python-platform -P --upgrade-package --reinstall-package --refresh-package -w"
	otelValued = "--traces_exporter --metrics_exporter --logs_exporter --service_name --exporter_otlp_endpoint " +
		"--exporter_otlp_protocol --resource_attributes --propagators --disabled_instrumentations"
)

// command is a program with its arguments at the point where it is looked at.
type command struct {
	a    *analysis
	s    *state // its own: what it changes is seen by what it starts alone
	name arg
	base string // the last element of the name
	args []arg
	main bool // it is what the container is for, so that failing to understand it is worth a note

	py    interpreter // what `python -m` brings along
	asked string      // Entry.Asked
	// unknownPath is Entry.UnknownPath.
	unknownPath bool
}

// command tells what a command line runs. s belongs to it.
func (a *analysis) command(s *state, argv []arg, main bool) {
	if len(argv) == 0 || !a.step(s.here) {
		return
	}
	if a.depth >= maxDepth {
		a.note(s.here, "the commands that the image starts are nested too deeply to be followed")
		return
	}
	a.depth++
	defer func() { a.depth-- }()

	// Words that were handed over, as CMD's are by "$@", still stand where they were written.
	if o := argv[0].origin; o != s.here && (o != Origin{}) {
		s.via, s.here = append(s.via, s.here), o
	}
	name := argv[0]
	if name.text == "" {
		return
	}
	if !name.known() {
		a.note(s.here, "the program is not written out ("+shown(name.text)+"): what it runs cannot be told")
		return
	}
	c := &command{a: a, s: s, name: name, base: path.Base(name.text), args: argv[1:], main: main}
	if (c.base == "su" || c.base == "runuser") && c.switchUser() {
		return
	}
	if w, ok := wrappers[c.base]; ok {
		c.wrapper(w)
		return
	}
	c.program()
}

// wrapper goes on with the command that a wrapper is given.
func (c *command) wrapper(w wrapper) {
	words := c.args
	if c.base == "nice" && len(words) > 0 && len(words[0].text) > 1 && strings.Trim(words[0].text, "-0123456789") == "" {
		words = words[1:]
	}
	if c.base == "env" {
		words = splitString(words)
	}
	before := len(words)
	words = skip(words, w.valued)
	own := c.args[:min(max(before-len(words), 0), len(c.args))]
	if w.sub != "" {
		if len(words) == 0 || words[0].text != w.sub {
			if c.main && len(words) > 0 {
				c.a.note(c.s.here, "what "+shown(c.base+" "+words[0].text)+" runs cannot be told")
			}
			return
		}
		after := words[1:]
		words = skip(after, w.valued)
		own = append(own[:len(own):len(own)], after[:max(len(after)-len(words), 0)]...)
	}
	switch {
	case w.operands < 0: // the command stands after a double dash
		i := indexOf(words, "--")
		if i < 0 && len(words) > 0 && strings.HasPrefix(c.base, "wait-for") {
			own, words = append(own[:len(own):len(own)], words...), nil
			if i = indexOf(own, "--"); i >= 0 {
				words = own[i+1:]
			}
		} else {
			words = words[i+1:]
		}
	case w.operands > 0:
		words = words[min(w.operands, len(words)):]
		words = skipDashes(words)
	}
	o := parseOptions(own, w.valued)
	if w.prepare != nil {
		w.prepare(c, o)
	}
	if c.base == "env" || c.base == "sudo" {
		words = c.assignLeading(words)
	}
	if v, ok := o.last("--command"); ok && c.base == "doppler" {
		c.a.shellText(c.s, v.text, nil)
		return
	}
	switch c.base {
	case "uv", "pipenv", "pdm":
		if o.has("-m", "--module") {
			c.python(append([]arg{{text: "-m"}}, words...))
			return
		}
	case "hatch":
		if len(words) > 0 {
			if _, cmd, ok := strings.Cut(words[0].text, ":"); ok {
				words = append([]arg{{text: cmd, variable: words[0].variable, origin: words[0].origin}}, words[1:]...)
			}
		}
	case "torchrun", "memray", "accelerate":
		if o.has("-m", "--module") {
			c.python(append([]arg{{text: "-m"}}, words...))
			return
		}
	case "watchfiles":
		if len(words) > 0 {
			c.a.shellText(c.s, words[0].text, nil)
		}
		return
	}
	if len(words) == 0 {
		return
	}
	if w.python && strings.HasSuffix(words[0].text, ".py") {
		c.python(words)
		return
	}
	c.a.command(c.s, words, c.main)
}

// switchUser runs the text that su and runuser are given with -c, wherever it stands, and reports whether that is the form of
// the command. su -, or a user alone, starts a shell.
func (c *command) switchUser() bool {
	for i, w := range c.args {
		text, ok := strings.CutPrefix(w.text, "--command=")
		if !ok && (w.text == "-c" || w.text == "--command" || w.text == "--session-command" || w.text == "-lc") && i+1 < len(c.args) {
			text, ok = c.args[i+1].text, true
		}
		if ok {
			c.a.shellText(c.s, text, nil)
			return true
		}
	}
	return c.base == "su"
}

func skipDashes(words []arg) []arg {
	if len(words) > 0 && words[0].text == "--" {
		return words[1:]
	}
	return words
}

func indexOf(words []arg, text string) int {
	for i, w := range words {
		if w.text == text {
			return i
		}
	}
	return -1
}

// splitString undoes env -S, which takes a whole command as one word.
func splitString(words []arg) []arg {
	var out []arg
	for i := 0; i < len(words); i++ {
		w := words[i]
		text, ok := strings.CutPrefix(w.text, "--split-string=")
		if !ok && strings.HasPrefix(w.text, "-S") {
			if text, ok = w.text[2:], true; text == "" && i+1 < len(words) {
				i++
				text = words[i].text
			}
		}
		if !ok {
			return append(out, words[i:]...)
		}
		for _, f := range strings.Fields(text) {
			out = append(out, arg{text: f, variable: w.variable, origin: w.origin})
		}
	}
	return out
}

// assignments carries out env's own options.
func assignments(c *command, o options) {
	if o.has("-i", "--ignore-environment") {
		clear(c.s.vars)
	}
	for _, names := range []string{"-u", "--unset"} {
		if c.base == "env" {
			for _, w := range o.given[names] {
				delete(c.s.vars, w.text)
			}
		}
	}
	dir, ok := o.last("-C", "--chdir")
	if d, has := o.last("-D"); c.base == "sudo" {
		dir, ok = d, has
	}
	if ok {
		c.s.chdir(dir)
	}
}

// assignLeading takes the NAME=value words before a command.
func (c *command) assignLeading(words []arg) []arg {
	for len(words) > 0 {
		name, value, ok := strings.Cut(words[0].text, "=")
		if !ok || strings.ContainsAny(name, "/"+unknown) || name == "" {
			break
		}
		c.s.export(name, value)
		words = words[1:]
	}
	return words
}

func uvDirectory(c *command, o options) {
	if dir, ok := o.last("--directory"); ok {
		c.s.chdir(dir)
	}
}

// shells are the programs that read shell text.
var shells = map[string]bool{"sh": true, "bash": true, "dash": true, "ash": true, "ksh": true, "zsh": true, "rbash": true}

// shell runs sh with its own options: -c TEXT, or a file with arguments.
func (c *command) shell() {
	words := c.args
	text := false
	for len(words) > 0 && len(words[0].text) > 1 && strings.ContainsAny(words[0].text[:1], "-+") {
		w := words[0].text
		words = words[1:]
		switch {
		case w == "--":
		case strings.HasPrefix(w, "--"):
			if w == "--rcfile" || w == "--init-file" {
				words = words[min(1, len(words)):]
			}
			continue
		default:
			text = text || strings.Contains(w, "c") && w[0] == '-'
			if strings.HasSuffix(w, "o") {
				words = words[min(1, len(words)):]
			}
			continue
		}
		break
	}
	if len(words) == 0 {
		return // interactive
	}
	if text {
		words = skipDashes(words)
		if len(words) > 0 {
			c.a.shellText(c.s, words[0].text, words[1:])
		}
		return
	}
	c.a.shellFile(c.s, words[0], words[1:])
}

// shellText walks the text of sh -c. The first word after it is "$0".
func (a *analysis) shellText(s *state, text string, rest []arg) {
	if strings.Contains(text, unknown) {
		a.note(s.here, "a shell command holds what only the running container knows: "+shown(text))
		return
	}
	child := s.child()
	child.source = source{}
	child.arg0 = "sh"
	if len(rest) > 0 {
		child.arg0, child.args = rest[0].text, rest[1:]
	}
	a.script(child, text)
}

// child is the state of a new shell: it inherits what is exported.
func (s *state) child() *state {
	c := s.clone()
	for name, v := range c.vars {
		if !v.exported {
			delete(c.vars, name)
		}
	}
	c.funcs, c.args, c.arg0 = map[string]function{}, nil, ""
	return c
}
