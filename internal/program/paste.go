package program

import (
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/command"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

const pserveValued = "-n --app-name -s --server --server-name --reload-interval"

// pserve is Pyramid's server. Like all that an installation puts into an environment, it does not look into the working directory.
func (c *start) pserve(o command.Options) {
	name := "main"
	if v, ok := o.Last("-n", "--app-name"); ok {
		name = v.Text
	}
	if len(o.Operands) > 0 {
		c.paste(o.Operands[0], name, c.py.front)
	}
}

// paster is the server of Paste itself, which finds what lies in its directory.
func (c *start) paster(o command.Options) {
	if len(o.Operands) > 1 && o.Operands[0].Text == "serve" {
		c.paste(o.Operands[1], "main", []string{c.S.Dir})
	}
}

// paste imports what an INI file of PasteDeploy names for an application, and for the applications and filters that this one leads to.
func (c *start) paste(w shell.Word, name string, dirs []string) {
	w.Text, _, _ = strings.Cut(strings.TrimPrefix(w.Text, "config:"), "#")
	file := c.S.Abs(w.Text)
	text, known := c.a.run.Read(file)
	leave, times := c.a.run.Walking(file)
	defer leave()
	if !known || times > 0 {
		c.reads(w, false)
		c.a.untold(c.S.Here, "the paste file "+shell.Shown(w.Text)+" is unknown, so what it serves could not be determined")
		return
	}
	sections := iniSections(text)
	seen := map[string]bool{}
	for queue := []string{name}; len(queue) > 0; queue = queue[1:] {
		for _, section := range sections {
			kind, of, _ := strings.Cut(section.name, ":")
			if of != queue[0] || seen[section.name] || !slices.Contains([]string{"app", "composite", "composit", "pipeline", "filter", "filter-app"}, kind) {
				continue
			}
			seen[section.name] = true
			for i, kv := range section.pairs {
				s := *c
				s.S = c.S.Child()
				s.S.Via = append(s.S.Via, c.S.Here)
				s.S.Here = shell.Origin{File: file, Line: section.lines[i], Text: kv[0] + " = " + kv[1], InImage: true}
				queue = append(queue, s.pasted(kv[0], kv[1], dirs, file, w.Variable)...)
			}
		}
	}
}

// pasted imports what a setting of a paste file names, and gives the words that may be names of sections.
func (c *start) pasted(key, value string, dirs []string, file string, variable bool) (names []string) {
	switch scheme, rest, _ := strings.Cut(value, ":"); {
	case strings.HasPrefix(key, "paste.") && strings.HasSuffix(key, "_factory"):
		module, attr := object(value, "")
		c.importObject(module, attr, dirs, !variable)
	case key == "pyramid.includes":
		for _, module := range strings.Fields(value) {
			if modulePath().MatchString(module) {
				c.importObject(module, "", dirs, !variable)
			}
		}
	case key == "use" && scheme == "call":
		module, attr := object(rest, "")
		c.importObject(module, attr, dirs, !variable)
	case key == "use" && scheme == "config":
		c.paste(shell.Word{Text: path.Join(path.Dir(file), rest), Variable: variable}, "main", dirs)
	case key == "use" && scheme == "egg":
		// Scaffolds call the factory of the distribution "main" of the package of that name.
		egg, entry, _ := strings.Cut(rest, "#")
		if entry == "" || entry == "main" {
			c.importObject(strings.ReplaceAll(egg, "-", "_"), "", dirs, false)
		}
	default:
		return strings.Fields(value)
	}
	return nil
}
