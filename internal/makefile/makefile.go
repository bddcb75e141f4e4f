// Package makefile reads Makefiles as far as their text tells: rules, recipes, variables with one literal value, and what they include.
// No function of make is evaluated, and no condition decided.
package makefile

import (
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// Recipe is a line of a recipe, with those that continue it. References are not replaced.
type Recipe struct {
	Text    string
	Line    int  // from 1
	Lenient bool // what it fails at does not matter
}

// Rule is a rule. References in its words are not replaced.
type Rule struct {
	Targets, Needs string // Needs without those that only have to be there before
	Before         string // those
	Recipes        []Recipe
	Line           int
	Text           string
	Conditional    bool // it stands in a condition
}

// Include is a line that includes files.
type Include struct {
	Files    string
	Optional bool
	Line     int
	Text     string
	// After is how many rules stand before it.
	After       int
	Conditional bool
}

// File is what a Makefile says.
type File struct {
	Rules    []Rule
	Includes []Include
	// Recipes are all lines of recipes, also such that belong to no rule that is understood.
	Recipes []Recipe
	// Unsure are variables that a condition or a target sets, or that are set from outside if they are.
	Unsure map[string]bool
	// Default are variables that the environment goes before.
	Default map[string]bool
	// Open tells that it may have rules that are not seen, or that mean something else than they seem to.
	Open bool
	// Exports tells that recipes may find variables of it in their environment.
	Exports bool

	vars map[string]string
	set  map[string]int
}

var (
	variable  = lazyre.New(`^(?:export\s+|override\s+)?([\w.-]+)\s*(\?=|::?:?=|=|\+=)\s*(.*)$`)
	reference = lazyre.New(`\$\$|\$\(([^()]*)\)|\$\{([^{}]*)\}|\$[@<^*?%+]|\$\(`)
	// specific is a variable of a target.
	specific = lazyre.New(`^[^=:]*:[^=:]*?([\w.-]+)\s*(\?=|::?:?=|=|\+=)`)
)

// Parse reads a Makefile.
func Parse(text string) *File {
	p := parser{File: &File{vars: map[string]string{}, set: map[string]int{}, Unsure: map[string]bool{}, Default: map[string]bool{}}}
	rows := strings.Split(text, "\n")
	for i := 0; i < len(rows); i++ {
		number, row := i+1, strings.TrimSuffix(rows[i], "\r")
		inRecipe := strings.HasPrefix(row, "\t")
		body, goes := strings.CutSuffix(row, `\`)
		var joined strings.Builder
		joined.WriteString(body)
		broken := goes
		for goes && i+1 < len(rows) {
			i++
			body, goes = strings.CutSuffix(strings.TrimSuffix(rows[i], "\r"), `\`)
			joined.WriteString(" " + strings.TrimLeft(body, "\t "))
		}
		if inRecipe {
			p.recipe(joined.String(), number)
			continue
		}
		p.line(joined.String(), number, broken)
	}
	return p.File
}

type parser struct {
	*File
	depth   int  // of conditions
	defines bool // inside of define
	open    bool // the last rule takes recipes
}

func (p *parser) recipe(text string, line int) {
	plain := strings.TrimLeft(text, "@-+ \t")
	lenient := strings.Contains(text[:len(text)-len(plain)], "-")
	r := Recipe{Text: plain, Line: line, Lenient: lenient}
	p.Recipes = append(p.Recipes, r)
	if p.open && !p.defines && strings.TrimSpace(plain) != "" {
		rule := &p.Rules[len(p.Rules)-1]
		rule.Recipes = append(rule.Recipes, r)
		rule.Conditional = rule.Conditional || p.depth > 0
	}
}

// line is a line outside of recipes.
func (p *parser) line(row string, number int, broken bool) {
	if m := variable().FindStringSubmatch(row); m != nil {
		p.assign(m[1], m[2], m[3], broken)
		p.Exports = p.Exports || strings.HasPrefix(row, "export")
		return
	}
	text, _, _ := strings.Cut(row, "#")
	words := strings.Fields(text)
	if len(words) == 0 {
		return
	}
	switch words[0] {
	case "define":
		p.defines = true
	case "endef":
		p.defines = false
	case "ifeq", "ifneq", "ifdef", "ifndef":
		p.depth++
	case "endif":
		p.depth--
	case "else":
	case "export", ".EXPORT_ALL_VARIABLES:":
		p.Exports = true
	case "vpath", "load", ".ONESHELL:", ".SECONDEXPANSION:", ".DEFAULT:", ".POSIX:":
		p.Open = true
	case "unexport", "undefine", "override", "private":
		p.Open = p.Open || words[0] != "unexport"
	case "include", "-include", "sinclude":
		p.open = false
		p.Includes = append(p.Includes, Include{Files: strings.Join(words[1:], " "), Optional: words[0] != "include", Line: number, Text: strings.TrimSpace(row),
			After: len(p.Rules), Conditional: p.depth > 0})
	default:
		if !p.defines {
			p.rule(text, number)
		}
	}
}

// assign notes a variable that is set. One that is set twice is not known.
func (p *parser) assign(name, operator, value string, broken bool) {
	if p.set[name]++; p.set[name] > 1 && operator != "?=" || broken || operator == "+=" {
		p.vars[name] = shell.Hole
	} else if p.set[name] == 1 {
		value, _, _ = strings.Cut(value, " #")
		p.vars[name] = strings.TrimSpace(value)
	}
	p.Unsure[name] = p.Unsure[name] || p.depth > 0 || p.set[name] > 1
	p.Default[name] = p.Default[name] || operator == "?="
	p.Open = p.Open || name == "VPATH" || name == ".RECIPEPREFIX"
}

// rule reads a rule.
func (p *parser) rule(text string, number int) {
	p.open = false
	bare := reference().ReplaceAllStringFunc(text, func(m string) string { return strings.Repeat("x", len(m)) }) // $(A:.c=.o) has a colon of its own
	if m := specific().FindStringSubmatch(bare); m != nil {
		p.Unsure[m[1]] = true
		return
	}
	at := strings.IndexByte(bare, ':')
	if at < 0 {
		p.Open = true // a function that may make rules
		return
	}
	rest, inline := bare[at+1:], ""
	end := len(text)
	if i := strings.IndexByte(rest, ';'); i >= 0 {
		end = at + 1 + i
		inline = text[end+1:]
	}
	needs := strings.TrimPrefix(text[at+1:end], ":")
	r := Rule{Targets: strings.TrimSuffix(text[:at], "&"), Needs: needs, Line: number, Text: strings.TrimSpace(text), Conditional: p.depth > 0}
	if strings.Contains(bare[at+1:end], ":") {
		p.Open = true // a static pattern, or one of several rules of a target
	}
	r.Needs, r.Before, _ = strings.Cut(needs, "|")
	p.Rules = append(p.Rules, r)
	p.open = true
	if inline != "" {
		p.recipe(inline, number)
	}
}

// Value gives what a variable is set to.
func (f *File) Value(name string) (string, bool) {
	v, ok := f.vars[name]
	return v, ok
}

// Expand replaces references by values, and those without one by a [shell.Hole].
func Expand(text string, value func(name string) (string, bool), b *budget.Budget) string {
	return shell.Replace(reference(), text, value, b.Part(shell.ReplaceLimits))
}
