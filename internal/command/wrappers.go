package command

import (
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// wrapper is a program whose arguments are another command.
type wrapper struct {
	sub      string                                // subcommand that makes it a wrapper, "" if it always is one
	valued   string                                // its own options that take a value
	switches string                                // its options of one letter that take none, where several of them may be one word
	operands int                                   // words of its own before the command; afterDashes if the command stands after a double dash
	read     func(words []shell.Word) []shell.Word // undoes what the rest does not know
	prepare  func(c *Call, o Options)              // carries out its options
	// started gives what it starts where that is not just the words that are left.
	started func(c *Call, o Options, words []shell.Word) launch
	// python tells that the command may be a Python file without an interpreter before it.
	python bool
}

const afterDashes = -1

// launch is what a wrapper starts: the words of a command, or a text for the shell.
type launch struct {
	words []shell.Word
	text  string
	often bool // nobody knows how often
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
	"sudo":                     {valued: "-u -g -h -p -C -D -R -r -t -T -U --user --group --chdir --host --prompt --chroot --role --type", switches: "-A -b -B -E -e -H -i -K -k -l -n -N -P -S -s -v", prepare: assignments, started: assigned},
	"doas":                     {valued: "-u -C"},
	"setpriv":                  {valued: "--reuid --regid --groups --inh-caps --bounding-set"},
	"chpst":                    {valued: "-u -U -e -m -d -n -l -L"},
	"nice":                     {valued: "-n --adjustment", read: niceness},
	"ionice":                   {valued: "-c -n -p --class --classdata"},
	"nohup":                    {},
	"setsid":                   {},
	"unbuffer":                 {},
	"catchsegv":                {},
	"sfw":                      {},
	"time":                     {valued: "-f -o --format --output"},
	"timeout":                  {valued: "-k -s --kill-after --signal", operands: 1},
	"stdbuf":                   {valued: "-i -o -e --input --output --error"},
	"xargs":                    {valued: "-I -n -P -L -d -a -s -E --max-args --max-procs --delimiter", started: fed},
	"xvfb-run":                 {valued: "-n -s -f -e --server-num --server-args"},
	"env":                      {valued: "-u --unset -C --chdir", prepare: assignments, started: assigned, read: splitString},
	"cross-env":                {prepare: assignments, started: assigned},
	"busybox":                  {},
	"wait-for-it":              {valued: "-h -p -t --host --port --timeout", operands: afterDashes},
	"wait-for-it.sh":           {valued: "-h -p -t --host --port --timeout", operands: afterDashes},
	"wait-for":                 {valued: "-t", operands: afterDashes},
	"wait-for.sh":              {valued: "-t", operands: afterDashes},
	"dockerize":                {valued: "-wait -timeout -template -stdout -stderr -wait-retry-interval -wait-http-header"},
	"bundle":                   {sub: "exec", valued: "--gemfile"},
	"bundler":                  {sub: "exec", valued: "--gemfile"},
	"poetry":                   {sub: "run", valued: "-C --directory -P --project", python: true},
	"pipenv":                   {sub: "run", python: true, started: pythonModule},
	"pdm":                      {sub: "run", valued: "-p --project --venv", python: true, started: pythonModule},
	"hatch":                    {sub: "run", valued: "-e --env -p --project", python: true, started: hatchScript},
	"rye":                      {sub: "run", python: true},
	"pixi":                     {sub: "run", valued: "-e --environment --manifest-path", python: true},
	"uv":                       {sub: "run", valued: uvValued, python: true, prepare: uvDirectory, started: pythonModule},
	"conda":                    {sub: "run", valued: "-n --name -p --prefix --cwd"},
	"mamba":                    {sub: "run", valued: "-n --name -p --prefix --cwd"},
	"micromamba":               {sub: "run", valued: "-n --name -p --prefix --cwd -r --root-prefix"},
	"cross-env-shell":          {started: joined},
	"env-cmd":                  {valued: "-f --file -e --environments -r --rc-file"},
	"shx":                      {},
	"ddtrace-run":              {},
	"sentry-run":               {},
	"scout-apm":                {},
	"elasticapm-run":           {valued: "--config"},
	"opentelemetry-instrument": {valued: otelValued},
	"newrelic-admin":           {sub: "run-program"},
	"watchmedo":                {sub: "auto-restart", valued: "-d --directory -p --pattern --patterns -i --ignore-pattern --ignore-patterns --signal --kill-after --interval --debounce-interval"},
	"watchfiles":               {valued: "--ignore-paths --filter --target-type --sigint-timeout --sigkill-timeout --log-level --args", started: watched},
	"hupper":                   {valued: "-w --watch -x --ignore"},
	"doppler":                  {sub: "run", valued: "-p -c -t --project --config --token --command", started: dopplerCommand},
	"infisical":                {sub: "run", valued: "--env --path --projectId --token"},
	"dotenv":                   {valued: "-f --file -q -e -c -v -p", sub: "run", read: dotenvCommand},
	"chamber":                  {sub: "exec", operands: afterDashes},
	"op":                       {sub: "run", valued: "--env-file"},
	"memray":                   {sub: "run", valued: "-o --output -p --live-port", python: true, started: pythonModule},
	"py-spy":                   {sub: "record", valued: "-o --output -d --duration -r --rate -f --format"},
	"viztracer":                {valued: "-o --output_file --log_func_args", python: true},
	"accelerate":               {sub: "launch", valued: "--config_file --num_processes --num_machines --mixed_precision --main_process_port", python: true, started: pythonModule},
	"torchrun":                 {valued: "--nproc_per_node --nproc-per-node --nnodes --node_rank --node-rank --master_addr --master_port --rdzv_backend --rdzv_endpoint --rdzv_id", python: true, started: pythonModule},
	"mpirun":                   {valued: "-n -np --np -H --host -hostfile --hostfile -x"},
}

const (
	uvValued = "--with --with-editable --with-requirements -p --python --directory --project --package --env-file --extra " +
		"--group --no-group --only-group --no-extra --index-url -i --extra-index-url --index --default-index -f --find-links --cache-dir " +
		"--config-file --color --python-platform -P --upgrade-package --reinstall-package --refresh-package -w"
	otelValued = "--traces_exporter --metrics_exporter --logs_exporter --service_name --exporter_otlp_endpoint " +
		"--exporter_otlp_protocol --resource_attributes --propagators --disabled_instrumentations"
)

// wrapper goes on with the command that a wrapper is given, and reports whether it is used as one.
func (c *Call) wrapper(w wrapper) bool {
	words := c.Args
	if w.read != nil {
		words = w.read(words)
	}
	o := parse(words, w.valued, w.switches, true)
	if w.sub != "" {
		if len(o.Operands) == 0 || o.Operands[0].Text != w.sub {
			if len(o.Operands) > 0 {
				c.Sub = o.Operands[0].Text
			}
			return false
		}
		after := parse(o.Operands[1:], w.valued, w.switches, true)
		o.Operands = after.Operands
		for name, values := range after.Given {
			o.Given[name] = append(o.Given[name], values...)
		}
	}
	c.S.Through = append(slices.Clip(c.S.Through), c.Base)
	if c.run.Wrapper != nil {
		outer := *c
		outer.S, outer.Wraps = c.S.Clone(), true
		c.run.Wrapper(&outer)
	}
	started := launch{words: o.Operands}
	if w.operands == afterDashes {
		started.words = nil
		if i := indexOf(o.Operands, "--"); i >= 0 {
			started.words = o.Operands[i+1:]
		}
	} else if w.operands > 0 {
		started.words = skipDashes(o.Operands[min(w.operands, len(o.Operands)):])
	}
	if w.prepare != nil {
		w.prepare(c, o)
	}
	if w.started != nil {
		started = w.started(c, o, started.words)
	}
	c.launch(started, w.python)
	return true
}

// launch runs what a wrapper starts.
func (c *Call) launch(l launch, python bool) {
	if l.text != "" {
		c.run.Text(c.S, l.text, nil)
	}
	if len(l.words) == 0 {
		return
	}
	if python && strings.HasSuffix(l.words[0].Text, ".py") {
		l.words = append([]shell.Word{{Text: "python"}}, l.words...)
	}
	c.run.Command(c.S, l.words, c.Main)
	if l.often {
		c.run.Unclear()
	}
}

// switchUser runs the text that su and runuser are given with -c, wherever it stands, and reports whether that is the form of
// the command. su -, or a user alone, starts a shell.
func (c *Call) switchUser() bool {
	for i, w := range c.Args {
		text, ok := strings.CutPrefix(w.Text, "--command=")
		if !ok && (w.Text == "-c" || w.Text == "--command" || w.Text == "--session-command" || w.Text == "-lc") && i+1 < len(c.Args) {
			text, ok = c.Args[i+1].Text, true
		}
		if ok {
			c.run.Text(c.S, text, nil)
			return true
		}
	}
	return c.Base == "su"
}

// fed gives the command that xargs starts: what it reads stands behind its words, or in the place of a word.
func fed(c *Call, o Options, words []shell.Word) launch {
	c.S.OneOfSeveral = true
	mark, in := o.Last("-I")
	if !in {
		return launch{words: append(slices.Clip(words), shell.Word{Text: shell.Hole, Variable: true}), often: true}
	}
	words = slices.Clone(words)
	for i := range words {
		words[i].Text = strings.ReplaceAll(words[i].Text, mark.Text, shell.Hole)
	}
	return launch{words: words, often: true}
}

// pythonModule gives the module that -m names, or the command.
func pythonModule(_ *Call, o Options, words []shell.Word) launch {
	if o.Has("-m", "--module") {
		words = append([]shell.Word{{Text: "python"}, {Text: "-m"}}, words...)
	}
	return launch{words: words}
}

// hatchScript takes the environment from the front of ENV:COMMAND.
func hatchScript(_ *Call, _ Options, words []shell.Word) launch {
	if len(words) > 0 {
		if _, cmd, ok := strings.Cut(words[0].Text, ":"); ok {
			words = append([]shell.Word{{Text: cmd, Variable: words[0].Variable, Origin: words[0].Origin}}, words[1:]...)
		}
	}
	return launch{words: words}
}

// dopplerCommand gives the text of --command, or the command.
func dopplerCommand(_ *Call, o Options, words []shell.Word) launch {
	if v, ok := o.Last("--command"); ok {
		return launch{text: v.Text}
	}
	return launch{words: words}
}

// watched gives what watchfiles starts: its first operand is a text, the others are directories.
func watched(_ *Call, _ Options, words []shell.Word) launch {
	if len(words) == 0 {
		return launch{}
	}
	return launch{text: words[0].Text}
}

// niceness takes away the number in `nice -5 command`.
func niceness(words []shell.Word) []shell.Word {
	if len(words) > 0 && len(words[0].Text) > 1 && strings.Trim(words[0].Text, "-0123456789") == "" {
		return words[1:]
	}
	return words
}

func skipDashes(words []shell.Word) []shell.Word {
	if len(words) > 0 && words[0].Text == "--" {
		return words[1:]
	}
	return words
}

func indexOf(words []shell.Word, text string) int {
	for i, w := range words {
		if w.Text == text {
			return i
		}
	}
	return -1
}

// splitString undoes env -S, which takes a whole command as one word.
func splitString(words []shell.Word) []shell.Word {
	var out []shell.Word
	for i := 0; i < len(words); i++ {
		w := words[i]
		text, ok := strings.CutPrefix(w.Text, "--split-string=")
		if !ok && strings.HasPrefix(w.Text, "-S") {
			if text, ok = w.Text[2:], true; text == "" && i+1 < len(words) {
				i++
				text = words[i].Text
			}
		}
		if !ok {
			return append(out, words[i:]...)
		}
		for _, f := range strings.Fields(text) {
			out = append(out, shell.Word{Text: f, Variable: w.Variable, Origin: w.Origin})
		}
	}
	return out
}

// dotenvCommand makes the call of the dotenv of Node.js one of Python's, which runs a command with its subcommand run.
func dotenvCommand(words []shell.Word) []shell.Word {
	i := slices.IndexFunc(words, func(w shell.Word) bool { return w.Text == "--" })
	if i < 0 || slices.ContainsFunc(words[:i], func(w shell.Word) bool { return w.Text == "run" }) {
		return words
	}
	return append([]shell.Word{{Text: "run"}}, words...)
}

// assignments carries out env's own options.
func assignments(c *Call, o Options) {
	if o.Has("-i", "--ignore-environment") {
		c.S.Unset()
	}
	for _, names := range []string{"-u", "--unset"} {
		if c.Base == "env" {
			for _, w := range o.Given[names] {
				c.S.Unset(w.Text)
			}
		}
	}
	dir, ok := o.Last("-C", "--chdir")
	if d, has := o.Last("-D"); c.Base == "sudo" {
		dir, ok = d, has
	}
	if ok {
		c.S.Chdir(dir)
	}
}

// assigned takes the NAME=value words before a command.
func assigned(c *Call, _ Options, words []shell.Word) launch {
	for len(words) > 0 {
		name, value, ok := strings.Cut(words[0].Text, "=")
		if !ok || strings.ContainsAny(name, "/"+shell.Hole) || name == "" {
			break
		}
		c.S.Export(name, value)
		words = words[1:]
	}
	return launch{words: words}
}

// joined makes a text for the shell of the words behind assignments.
func joined(c *Call, o Options, words []shell.Word) launch {
	l := assigned(c, o, words)
	if slices.ContainsFunc(l.words, func(w shell.Word) bool { return !w.Known() }) {
		return launch{}
	}
	return launch{text: strings.Join(shell.Texts(l.words), " ")}
}

func uvDirectory(c *Call, o Options) {
	if dir, ok := o.Last("--directory"); ok {
		c.S.Chdir(dir)
	}
}
