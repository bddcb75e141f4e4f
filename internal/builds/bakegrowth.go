package builds

import (
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// growth tells, for the functions whose work or result is more than some times as large as their arguments, how much it is:
// in steps, or in bytes. It is counted before they are called, since nothing stops them then.
var growth = map[string]func(args []cty.Value) (steps, bytes float64){
	"setproduct": func(args []cty.Value) (float64, float64) {
		n := 1.0
		for _, a := range args {
			n *= elements(a)
		}
		return n * float64(len(args)), 0
	},
	"distinct":   func(args []cty.Value) (float64, float64) { n := elements(args[0]); return n * n / 4, 0 },
	"replace":    func(args []cty.Value) (float64, float64) { return 0, replaced(args[0], args[1], args[2]) },
	"join":       func(args []cty.Value) (float64, float64) { return 0, size(args[0]) * total(args[1:], elements) },
	"indent":     func(args []cty.Value) (float64, float64) { return 0, number(args[0]) * size(args[1]) },
	"format":     formatted,
	"formatlist": formatted,
	"regex":      matching,
	"regexall":   matching,
	"jsondecode": nestedJSON,
	"contains":   comparing,
	"index":      comparing,
	"indexof":    comparing,
	"regex_replace": func(args []cty.Value) (float64, float64) {
		steps, _ := matching([]cty.Value{args[1], args[0]})
		return steps, (size(args[0]) + 1) * (size(args[2]) + 1)
	},
}

// grows counts what a call makes of its arguments.
func (m *meter) grows(name string, args []cty.Value) error {
	grow := growth[name]
	if grow == nil {
		return nil
	}
	for _, a := range args {
		if !a.IsWhollyKnown() {
			return nil // nor is the result
		}
	}
	const most = 1 << 40 // beyond every limit
	steps, bytes := grow(args)
	if err := m.budget.Steps(int64(min(steps, most))); err != nil {
		return err
	}
	if name == "regex_replace" || name == "replace" { // a bound that is far above the result, which is counted by itself
		bytes /= 16
	}
	return m.budget.Bytes(int64(min(bytes, most)))
}

func total(args []cty.Value, of func(cty.Value) float64) (sum float64) {
	for _, a := range args {
		sum += of(a)
	}
	return sum
}

// elements is how many elements a value has.
func elements(v cty.Value) float64 {
	if v.IsNull() || !v.CanIterateElements() {
		return 0
	}
	return float64(v.LengthInt())
}

// size is how long a text is, or the longest of a list.
func size(v cty.Value) (most float64) {
	switch {
	case v.IsNull() || !v.IsKnown():
	case v.Type() == cty.String:
		return float64(len(v.AsString()))
	case v.CanIterateElements():
		for e := range elementsOf(v) {
			most = max(most, size(e))
		}
	}
	return most
}

func number(v cty.Value) float64 {
	if v.IsNull() || v.Type() != cty.Number {
		return 0
	}
	f, _ := v.AsBigFloat().Float64()
	return f
}

// replaced is how long a text is after each occurrence of a part was replaced.
func replaced(text, part, by cty.Value) float64 {
	if text.IsNull() || part.IsNull() {
		return 0
	}
	return float64(strings.Count(text.AsString(), part.AsString()))*size(by) + size(text)
}

// width finds the numbers in the verbs of a format.
var width = lazyre.New(`[0-9]+`)

// formatted is how much a format makes: each verb may stand for the longest argument, and be as wide as it says, for each
// element of a list.
func formatted(args []cty.Value) (steps, bytes float64) {
	if len(args) == 0 {
		return 0, 0
	}
	longest, times := 64.0, 1.0 // a number may be long
	for _, a := range args[1:] {
		longest = max(longest, size(a))
		times = max(times, elements(a))
	}
	format := func(v cty.Value) {
		if v.IsNull() || v.Type() != cty.String {
			return
		}
		text := v.AsString()
		wide := float64(len(text))
		for _, digits := range width().FindAllString(text, -1) {
			n, err := strconv.ParseFloat(digits, 64)
			if err == nil {
				wide += n
			}
		}
		bytes += times * (wide + float64(strings.Count(text, "%"))*longest)
	}
	if args[0].CanIterateElements() {
		for e := range elementsOf(args[0]) {
			format(e)
		}
		return 0, bytes
	}
	format(args[0])
	return 0, bytes
}

// matching is the work of a regular expression, pattern first: the text once for each part of the pattern, of which a number
// in braces makes as many.
func matching(args []cty.Value) (steps, bytes float64) {
	pattern := size(args[0])
	if !args[0].IsNull() && args[0].Type() == cty.String && strings.Contains(args[0].AsString(), "{") {
		pattern *= 64
	}
	return pattern * (1 + size(args[1])/64), 0
}

// comparing is the work of comparing the elements of a list with a value.
func comparing(args []cty.Value) (steps, bytes float64) {
	return elements(args[0]) * (1 + elements(args[1])), 0
}

// nestedJSON lets nothing through that is nested so deep that the decoder would overflow the stack.
func nestedJSON(args []cty.Value) (steps, bytes float64) {
	if args[0].IsNull() || budget.ShallowJSON([]byte(args[0].AsString()), maxBakeDepth) == nil {
		return 0, 0
	}
	return bakeBeyond, 0
}

// bakeBeyond is more than any budget of Bake files has.
const bakeBeyond = 1 << 40
