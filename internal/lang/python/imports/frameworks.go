package imports

import (
	"cmp"
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
	for _, name := range []string{"dictConfig", "update", "FastAPI", "Starlette", "Litestar", "Flask"} {
		out[name] = true
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
	// looped tells that only the variable of a loop counts: the scanner knows it with a name that is written out.
	looped bool
}

// servings are known calls of that kind: servers that are started from Python, and what loads plug-ins by their names.
var servings = []serving{
	{name: "run", of: "uvicorn", keyword: "app"}, {name: "Config", of: "uvicorn", keyword: "app"}, {name: "Granian", keyword: "target"},
	{name: "run_module", of: "runpy", keyword: "mod_name"}, {name: "import_module", of: "importlib", keyword: "name", looped: true},
	{name: "load_extension", keyword: "name"}, {name: "reload_extension", keyword: "name"}, // discord.py
}

// serves gives the modules that a call imports by their names; none if it is none of these, or the names are not written out.
func serves(f *syntax.File, call *syntax.Call) (out []Named) {
	of, name, _ := cutLast(call.Callee)
	i := slices.IndexFunc(servings, func(s serving) bool { return s.name == name && (s.of == "" || s.of == of || f.Stands(of, name, s.of)) })
	if i < 0 {
		return nil
	}
	for at, arg := range call.Arguments {
		if arg.Keyword == "" && at != servings[i].argument || arg.Keyword != "" && arg.Keyword != servings[i].keyword {
			continue
		}
		elements := arg.Elements
		switch {
		case !arg.Complete && len(elements) == 0 && len(arg.Refs) == 1:
			elements = looped(f, arg.Refs[0].Value, call)
		case !arg.Complete || len(elements) != 1 || servings[i].looped:
			continue
		}
		for _, e := range elements {
			if module, _, _ := strings.Cut(e.Value, ":"); dotted().MatchString(module) {
				out = append(out, Named{Dotted: module, Range: e.Range, Exact: true, Called: fmt.Sprintf("%s(%q)", call.Callee, e.Value), Context: call.Context})
			}
		}
	}
	return out
}

// looped gives the strings that the variable of a loop around a call stands for, one after the other.
func looped(f *syntax.File, variable string, call *syntax.Call) []syntax.Element {
	for _, l := range slices.Backward(f.Loops) {
		if l.Name != variable || l.Context.Function != call.Context.Function || l.Range.Start.Offset > call.Range.Start.Offset {
			continue
		}
		out := l.Elements
		for _, ref := range l.Refs {
			for _, list := range f.Literals {
				if list.Name == ref.Value {
					out = append(out, list.Elements...)
				}
			}
		}
		return out
	}
	return nil
}

// logs reports whether a literal of that name configures the logging of the standard library.
func logs(name string) bool { return strings.Contains(name, "LOG") }

// logged gives the classes and functions that a configuration for logging.config.dictConfig names.
func logged(elements []syntax.Element) (out []syntax.Element) {
	for _, e := range elements {
		if (e.Key == "class" || e.Key == "()") && strings.Contains(e.Value, ".") {
			out = append(out, e)
		}
	}
	return out
}

// moduleSettings are settings of Django, Celery and scrapy that name modules, or names in modules.
var moduleSettings = []string{
	"INSTALLED_APPS", "LOCAL_APPS", "PROJECT_APPS", "DJANGO_APPS", "MIDDLEWARE", "MIDDLEWARE_CLASSES", "ROOT_URLCONF",
	"WSGI_APPLICATION", "ASGI_APPLICATION", "AUTHENTICATION_BACKENDS", "CELERY_IMPORTS", "CELERY_INCLUDE", "imports", "include",
	"SPIDER_MODULES", // scrapy
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
		if logs(name) && !l.Context.Has(syntax.Never) {
			add(logged(l.Elements), false, l.Context)
		}
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
		if served := serves(f, call); len(served) > 0 {
			out = append(out, served...)
			continue
		}
		name := call.Callee[strings.LastIndexByte(call.Callee, '.')+1:]
		for i, arg := range call.Arguments {
			elements, exact := frameworkArgument(call.Callee, i, arg)
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
func frameworkArgument(callee string, i int, arg syntax.Argument) (elements []syntax.Element, exact bool) {
	function, celery := callee[strings.LastIndexByte(callee, '.')+1:], strings.HasSuffix(callee, "conf.update")
	first := i == 0 && arg.Keyword == ""
	switch {
	case first && (function == "config_from_object" || function == "from_object"):
		// Celery's and Flask's configuration: a module, or an object in one behind a colon or a dot.
		elements = slices.Clone(arg.Elements)
		for i := range elements {
			elements[i].Value, _, _ = strings.Cut(elements[i].Value, ":")
		}
		return elements, false
	case function == "dictConfig" && i == 0:
		return logged(arg.Elements), false
	case function == "update" && celery: // its configuration
		return slices.DeleteFunc(slices.Clone(arg.Elements), func(e syntax.Element) bool {
			key := cmp.Or(arg.Keyword, e.Key)
			return key != "imports" && key != "include"
		}), true
	case first && function == "include" && len(arg.Elements) == 1, first && function == "autodiscover_tasks", function == "Celery" && arg.Keyword == "include":
		return arg.Elements, true
	}
	return nil, false
}
