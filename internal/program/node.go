package program

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/shell"
	"github.com/ctxaudit/ctxaudit/internal/tools"
)

// nodeStarter says which of its words a program takes for the file that it runs.
type nodeStarter struct {
	// subs are the subcommands one of which stands before the file, "" among them if none need be.
	subs []string
	// valued are its options with a value of their own, preloads those that name what is run before.
	valued, preloads string
	// written are the options behind which the program itself stands.
	written string
	// source tells that the file must have the ending of a source: else the word is something else, a script of a package.json.
	source bool
}

// nodeStarters are the programs that run files of JavaScript or TypeScript.
var nodeStarters = map[string]nodeStarter{
	"node": {
		valued:   "-C --conditions --env-file --env-file-if-exists --max-old-space-size --stack-trace-limit --title --icu-data-dir --openssl-config --input-type",
		preloads: "-r --require --import --loader --experimental-loader", written: "-e --eval -p --print -pe --run --test",
	},
	"tsx":         {subs: []string{"", "watch"}, valued: "--tsconfig --env-file -C --conditions", preloads: "-r --require --import --loader", written: "-e --eval -p --print --test"},
	"ts-node":     {valued: "-P --project -O --compilerOptions -C --compiler --cwd --dir", preloads: "-r --require --loader", written: "-e --eval -p --print"},
	"ts-node-dev": {valued: "-P --project --watch --ignore-watch", preloads: "-r --require", written: "-e --eval"},
	"nodemon":     {valued: "-e --ext -w --watch -i --ignore -d --delay -C --config --signal -s", preloads: "-r --require", written: "-x --exec", source: true},
	"bun":         {subs: []string{"", "run"}, valued: "--env-file -c --config --cwd --tsconfig-override --define -d -l --loader --port", preloads: "-r --preload --require --import", written: "-e --eval -p --print", source: true},
	"deno":        {subs: []string{"run", "serve"}, valued: "-c --config --import-map --lock --env-file -L --log-level --cert --port --host --location --seed", preloads: "--preload", source: true},
	"pm2":         {subs: []string{"start"}, valued: "-n --name -i --instances -o --output -e --error -l --log --max-memory-restart --node-args -u --user --env --interpreter --cwd --namespace", source: true},
	"pm2-runtime": {subs: []string{"", "start"}, valued: "-n --name -i --instances -o --output -e --error -l --log --max-memory-restart --node-args -u --user --env --interpreter --cwd --namespace --secret --public", source: true},
}

// nodeSources are the endings of files that are programs of JavaScript or TypeScript.
var nodeSources = []string{".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".tsx", ".jsx"}

// runtime records a program of another language, with its script where that is plain to see.
func (c *start) runtime(lang Lang) {
	if lang == Node {
		if program := command.OfPackage(c.Call); program != nil {
			if _, ok := nodeStarters[program.Base]; ok {
				c = &start{Call: program, a: c.a}
			}
		}
		if c.readsAsTool() {
			return
		}
	}
	if strings.HasPrefix(c.Base, "pm2") && c.ecosystem() {
		return
	}
	e := Entry{Kind: Program, Lang: lang}
	if file := c.archive(); file != "" {
		e.Kind, e.Path, e.Required = Script, file, true
		c.a.add(c.S, e)
		return
	}
	name, before := c.nodeScript()
	c.preloads(before)
	if name.Text != "" {
		var known bool
		e.Path, known = c.nodeFile(c.S.Abs(name.Text))
		if e.Required = known && !name.Variable; e.Path != "" {
			e.Kind = Script
		}
	}
	c.a.add(c.S, e)
}

// pm2Script is a script of an application in a configuration of pm2, JavaScript or JSON; pm2Cwd says that it has a directory of its own.
var (
	pm2Script = lazyre.New(`(?m)["']?\bscript["']?\s*:\s*["'\x60]([^"'\x60$\n]+)["'\x60]`)
	pm2Cwd    = lazyre.New(`["']?\bcwd["']?\s*:`)
)

// ecosystem starts the applications of a configuration of pm2, and reports whether it is given one that is known. Their paths are those of the
// working directory where the configuration lies there, and says nothing else.
func (c *start) ecosystem() bool {
	o := command.Leading(c.Args, nodeStarters[c.Base].valued+" --only")
	i := slices.IndexFunc(o.Operands, func(w shell.Word) bool {
		ext := path.Ext(w.Text)
		return ext == ".json" || ext != "" && strings.HasSuffix(strings.TrimSuffix(w.Text, ext), ".config")
	})
	if i < 0 || o.Has("--only", "--cwd") || !o.Operands[i].Known() {
		return false
	}
	file := c.S.Abs(o.Operands[i].Text)
	text, ok := c.a.run.Read(file)
	c.reads(o.Operands[i], false)
	if !ok || path.Dir(file) != c.S.Dir || pm2Cwd().MatchString(text) {
		return false
	}
	for _, m := range pm2Script().FindAllStringSubmatchIndex(text, -1) {
		name, before := text[m[2]:m[3]], strings.TrimSpace(text[strings.LastIndexByte(text[:m[0]], '\n')+1:m[0]])
		if strings.Contains(before, "//") || strings.HasPrefix(before, "*") || strings.HasPrefix(before, "/*") {
			continue // a comment
		}
		if !slices.Contains(nodeSources, path.Ext(name)) {
			continue
		}
		s := c.S.Child()
		s.Via = append(s.Via, c.S.Here)
		s.Here = shell.Origin{File: file, Line: strings.Count(text[:m[0]], "\n") + 1, Text: text[m[0]:m[1]], InImage: true}
		at, known := c.nodeFile(c.S.Abs(name))
		c.a.add(s, Entry{Kind: Script, Lang: Node, Path: at, Required: known && !o.Operands[i].Variable})
	}
	return true
}

// nodeScript gives the file that a program is given to run, without a text if there is none or it is not known, and the files that it
// loads before.
func (c *start) nodeScript() (script shell.Word, before []shell.Word) {
	base := c.Base
	if base == "nodejs" {
		base = "node"
	}
	p, ok := nodeStarters[base]
	if !ok {
		return script, nil
	}
	words := c.Args
	o := command.Leading(words, p.valued+" "+p.preloads+" "+p.written)
	if len(p.subs) > 0 && len(o.Operands) > 0 && o.Operands[0].Text != "" && slices.Contains(p.subs, o.Operands[0].Text) {
		before = o.All(strings.Fields(p.preloads)...)
		o = command.Leading(o.Operands[1:], p.valued+" "+p.preloads+" "+p.written)
	} else if len(p.subs) > 0 && !slices.Contains(p.subs, "") {
		return script, nil
	}
	before = append(before, o.All(strings.Fields(p.preloads)...)...)
	if o.Has(strings.Fields(p.written)...) || o.Has("--cwd", "--dir", "--interpreter") || len(o.Operands) == 0 {
		return script, before
	}
	script = o.Operands[0]
	source := slices.Contains(nodeSources, path.Ext(script.Text)) && !strings.HasSuffix(strings.TrimSuffix(script.Text, path.Ext(script.Text)), ".config")
	if !script.Known() || c.S.Abs(script.Text) == "" || p.source && !source {
		script = shell.Word{}
	}
	return script, before
}

// readsAsTool looks at what a program of the table of build tools reads when it starts, and follows the scripts that it hands to a
// shell. It reports whether these start anything.
func (c *start) readsAsTool() bool {
	if c.a.tools == nil {
		return false
	}
	script, _ := c.nodeScript()
	reading := tools.Read(c.Call, c.a.tools)
	for _, m := range reading.Missing {
		if m.Kind == tools.File && m.Path != "" && m.Doubt == "" && m.Refused == "" && m.Path != c.S.Abs(script.Text) {
			c.a.add(c.S, Entry{Kind: File, Lang: Node, Path: m.Path, Dir: m.Dir, Required: true})
		}
	}
	started := len(c.a.entries)
	for _, x := range reading.Scripts {
		from := c.S.Clone()
		from.Dir = x.Dir
		from.Via = append(from.Via, from.Here)
		from.Here = shell.Origin{File: x.At.File, Line: x.At.Line, Text: x.At.Text, InImage: true}
		c.a.run.Text(from, x.Text, nil)
	}
	return len(c.a.entries) > started
}

// preloads records the files that node loads before its program: those that options name, and those of NODE_OPTIONS. Of names of packages
// nothing is known.
func (c *start) preloads(words []shell.Word) {
	options := strings.Fields(c.S.Env("NODE_OPTIONS"))
	for i, o := range options {
		if slices.Contains([]string{"-r", "--require", "--import", "--loader", "--experimental-loader"}, o) && i+1 < len(options) {
			words = append(words, shell.Word{Text: options[i+1], Variable: true})
		} else if name, value, ok := strings.Cut(o, "="); ok && slices.Contains([]string{"--require", "--import", "--loader", "--experimental-loader"}, name) {
			words = append(words, shell.Word{Text: value, Variable: true})
		}
	}
	for _, w := range words {
		if p := c.S.Abs(w.Text); w.Known() && p != "" && (strings.HasPrefix(w.Text, ".") || strings.HasPrefix(w.Text, "/")) {
			if file, known := c.nodeFile(p); file != "" && c.a.run.Stat(file) == shell.Regular {
				c.a.add(c.S, Entry{Kind: Script, Lang: Node, Path: file, Required: known && !w.Variable})
			}
		}
	}
}

// nodeFile gives the file that Node.js runs for a path: it tries extensions (its documentation, "File modules"), and "" for a directory,
// of which the manifest decides. known is false if it may be another one.
func (c *start) nodeFile(p string) (file string, known bool) {
	known = true
	for _, ext := range []string{"", ".js", ".json", ".node"} {
		switch c.a.run.Stat(p + ext) {
		case shell.Regular:
			return p + ext, known
		case shell.Directory:
			return "", false
		case shell.Unknown:
			known = known && ext == "" && path.Ext(p) != ""
		}
	}
	return p, known || path.Ext(p) != ""
}
