package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// Scripts that are not about wording compare what a command tells programs.

// findingsCommand is "findings WANT...": those of the JSON that check printed, all of them, in their order. Each is its severity, its
// rule, its place and what it is about: a module, a path of the image, or one of the context. With "!", what is wanted is none of them.
func findingsCommand(ts *testscript.TestScript, neg bool, want []string) {
	var report finding.Report
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &report))
	var have []string
	for _, img := range report.Images {
		for _, f := range img.Findings {
			have = append(have, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", f.Severity, f.Rule, placeOf(f.Subject), cmp.Or(f.Module, f.ImagePath, f.ContextPath))))
		}
	}
	if neg {
		for _, w := range want {
			if slices.Contains(have, w) {
				ts.Fatalf("%q is among the findings", w)
			}
		}
	} else if !slices.Equal(have, want) {
		ts.Fatalf("findings are\n\t%q\nwant\n\t%q", have, want)
	}
}

func placeOf(p finding.Position) string {
	out := cmp.Or(p.File, "-")
	for _, n := range []int{p.Line, p.Column} {
		if n > 0 {
			out += fmt.Sprintf(":%d", n)
		}
	}
	return out
}

// jsonCommand is "json PATH WANT...": the values at a path such as images.findings.rule in the JSON that a command printed, where lists
// are gone into; texts, numbers and truths as they are written.
func jsonCommand(ts *testscript.TestScript, neg bool, args []string) {
	var doc any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &doc))
	have := valuesAt(doc, strings.Split(args[0], "."))
	if slices.Equal(have, args[1:]) == neg {
		ts.Fatalf("%s is\n\t%q\nwant\n\t%q", args[0], have, args[1:])
	}
}

func valuesAt(v any, path []string) (out []string) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			out = append(out, valuesAt(e, path)...)
		}
	case map[string]any:
		if len(path) > 0 {
			return valuesAt(v[path[0]], path[1:])
		}
		out = append(out, fmt.Sprint(v))
	case nil:
	default:
		out = append(out, fmt.Sprint(v))
	}
	return out
}
