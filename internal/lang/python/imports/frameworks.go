package imports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lang/python/syntax"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// Frameworks is how files are read so that the modules are known which frameworks take from strings: the calls that name modules in
// their arguments, or data files.
var Frameworks = syntax.Config{Callees: callees()}

func callees() map[string]bool {
	out := map[string]bool{
		"include": true, "autodiscover_tasks": true, "Celery": true, "setdefault": true, "config_from_object": true, "from_object": true,
		"chdir": true,
	}
	for _, name := range syntax.Readers() {
		out[name] = true
	}
	for _, s := range servings {
		out[s.name] = true
	}
	for _, s := range startings {
		out[s.name] = true
	}
	return out
}

// serving is a call that imports a module which an argument names, as "package.module" or "package.module:attribute".
type serving struct {
	name string
	// of is the module of the function; "" for a name that stands alone.
	of string
	// argument is the position of the module's name, keyword its name.
	argument int
	keyword  string
}

// servings are known calls of that kind: servers that are started from Python, and what loads plug-ins by their names.
var servings = []serving{
	{"run", "uvicorn", 0, "app"}, {"Config", "uvicorn", 0, "app"}, {"Granian", "", 0, "target"}, {"run_module", "runpy", 0, "mod_name"},
	{"load_extension", "", 0, "name"}, {"reload_extension", "", 0, "name"}, // discord.py
}

// serves gives the module that a call imports by its name; "" if it is none of these, or the name is not written out.
func serves(f *syntax.File, call *syntax.Call) (e syntax.Element, module string) {
	of, name, _ := cutLast(call.Callee)
	i := slices.IndexFunc(servings, func(s serving) bool { return s.name == name && (s.of == "" || s.of == of || stands(f, of, name, s.of)) })
	if i < 0 {
		return e, ""
	}
	for at, arg := range call.Arguments {
		if arg.Keyword == "" && at != servings[i].argument || arg.Keyword != "" && arg.Keyword != servings[i].keyword || !arg.Complete || len(arg.Elements) != 1 {
			continue
		}
		e = arg.Elements[0]
		if module, _, _ = strings.Cut(e.Value, ":"); dotted().MatchString(module) {
			return e, module
		}
	}
	return e, ""
}

// stands reports whether a function, or a module under another name, was imported from a module.
func stands(f *syntax.File, of, name, module string) bool {
	return slices.ContainsFunc(f.Imports, func(imp syntax.Import) bool {
		if of != "" {
			return !imp.From && imp.Module == module && imp.As == of
		}
		return imp.From && imp.Module == module && slices.ContainsFunc(imp.Names, func(n syntax.Name) bool { return n.Name == name && n.Bound() == name })
	})
}

// moduleSettings are settings of Django and Celery that name modules, or names in modules.
var moduleSettings = []string{
	"INSTALLED_APPS", "LOCAL_APPS", "PROJECT_APPS", "DJANGO_APPS", "MIDDLEWARE", "MIDDLEWARE_CLASSES", "ROOT_URLCONF",
	"WSGI_APPLICATION", "ASGI_APPLICATION", "AUTHENTICATION_BACKENDS", "CELERY_IMPORTS", "CELERY_INCLUDE", "imports", "include",
}

// addApps adds what Django imports of an installed application by itself, if it is there.
func addApps(out *[]Named, elements []syntax.Element, at syntax.Context) {
	for _, e := range elements {
		if !dotted().MatchString(e.Value) {
			continue
		}
		app, _, _ := strings.Cut(e.Value, ".apps.")
		for _, sub := range []string{".apps", ".models", ".admin"} {
			*out = append(*out, Named{Dotted: app + sub, Range: e.Range, Exact: true, Optional: true, Context: at})
		}
	}
}

var dotted = lazyre.New(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$`)

// FrameworkStrings gives the modules that a file names in strings, as Django and Celery read them. A default that the
// environment of the container overrides names none. It is a value for [Config.Strings].
func FrameworkStrings(isSet func(name string) bool) func(*syntax.File) []Named {
	return func(f *syntax.File) []Named { return frameworkStrings(f, isSet) }
}

func frameworkStrings(f *syntax.File, isSet func(name string) bool) []Named {
	var out []Named
	add := func(elements []syntax.Element, exact bool, at syntax.Context) {
		for _, e := range elements {
			if dotted().MatchString(e.Value) {
				out = append(out, Named{Dotted: e.Value, Range: e.Range, Exact: exact, Context: at})
			}
		}
	}
	// INSTALLED_APPS is often a sum of other lists of the file.
	wanted := map[string]bool{}
	for _, l := range slices.Backward(f.Literals) {
		name := l.Name[strings.LastIndexByte(l.Name, '.')+1:]
		if (slices.Contains(moduleSettings, name) || wanted[l.Name]) && !l.Context.Has(syntax.Never) {
			add(l.Elements, name == "ROOT_URLCONF", l.Context)
			if strings.HasSuffix(name, "_APPS") || wanted[l.Name] {
				addApps(&out, l.Elements, l.Context)
			}
			for _, ref := range l.Refs {
				wanted[ref.Value] = true
			}
		}
	}
	for i := range f.Calls {
		call := &f.Calls[i]
		if e, module := serves(f, call); module != "" {
			out = append(out, Named{Dotted: module, Range: e.Range, Exact: true, Called: fmt.Sprintf("%s(%q)", call.Callee, e.Value), Context: call.Context})
			continue
		}
		name := call.Callee[strings.LastIndexByte(call.Callee, '.')+1:]
		for i, arg := range call.Arguments {
			elements, exact := frameworkArgument(name, i, arg)
			add(elements, exact, call.Context)
		}
		// os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings"), in manage.py and wsgi.py.
		if a := call.Arguments; name == "setdefault" && len(a) == 2 && len(a[0].Elements) == 1 && a[0].Elements[0].Value == "DJANGO_SETTINGS_MODULE" && !isSet("DJANGO_SETTINGS_MODULE") {
			add(a[1].Elements, true, call.Context)
		}
	}
	return out
}

// frameworkArgument gives what an argument of a framework's function names. exact tells that nothing but a module is meant.
func frameworkArgument(function string, i int, arg syntax.Argument) (elements []syntax.Element, exact bool) {
	first := i == 0 && arg.Keyword == ""
	switch {
	case first && (function == "config_from_object" || function == "from_object"):
		// Celery's and Flask's configuration: a module, or an object in one behind a colon or a dot.
		elements = slices.Clone(arg.Elements)
		for i := range elements {
			elements[i].Value, _, _ = strings.Cut(elements[i].Value, ":")
		}
		return elements, false
	case first && function == "include" && len(arg.Elements) == 1, first && function == "autodiscover_tasks", function == "Celery" && arg.Keyword == "include":
		return arg.Elements, true
	}
	return nil, false
}
