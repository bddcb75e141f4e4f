package builds

import (
	"strconv"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/budget"
)

// This file evaluates the expressions of GitHub workflows, ${{ ... }}, as far as files tell their values: the matrix, literal
// environment variables, inputs that a caller gives. Everything else is unknown, and so is what depends on it.

// value is the value of an expression: nil for null, a string, float64, bool, node (of a mapping or a sequence), or unset.
type value any

// unset is a value that is not known.
type unset struct{}

// contexts gives the value of a name such as matrix.os; ok is false if it is not known.
type contexts func(path []string) (v value, ok bool)

// interpolate replaces the expressions of a text, which a budget counts. What is not known becomes unknownPart.
func (c contexts) interpolate(text string, b *budget.Budget) word {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "${{")
		out.WriteString(before)
		if !ok {
			return word(out.String())
		}
		expr, after, ok := cutExpression(rest)
		if !ok {
			out.WriteString(unknownPart)
			return word(out.String())
		}
		w := textOf(c.evaluate(expr, b))
		// What exceeds the budget is not known.
		if b.Steps(1) != nil || b.Bytes(int64(len(w))) != nil {
			return unknownPart
		}
		out.WriteString(string(w))
		text = after
	}
}

// cutExpression cuts at the "}}" that ends an expression, not at one in a string.
func cutExpression(s string) (expr, after string, ok bool) {
	quoted := false
	for i := 0; i+1 < len(s); i++ {
		switch {
		case s[i] == '\'':
			quoted = !quoted
		case !quoted && s[i] == '}' && s[i+1] == '}':
			return s[:i], s[i+2:], true
		}
	}
	return "", "", false
}

// evaluate gives the value of an expression.
func (c contexts) evaluate(expr string, b *budget.Budget) value {
	p := &expression{text: expr, names: c, budget: b}
	v := p.or()
	p.span(" \t\r\n")
	if p.failed || p.at < len(p.text) {
		return unset{}
	}
	return v
}

// textOf gives a value as it stands in a text.
func textOf(v value) word {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return word(v)
	case bool:
		return word(strconv.FormatBool(v))
	case float64:
		return word(strconv.FormatFloat(v, 'f', -1, 64))
	}
	return unknownPart
}

// truth tells whether a value counts as true; known is false if that cannot be told.
func truth(v value) (yes, known bool) {
	switch v := v.(type) {
	case nil:
		return false, true
	case bool:
		return v, true
	case float64:
		return v != 0, true
	case string:
		if !word(v).known() {
			return strings.Trim(v, unknownPart) != "", strings.Trim(v, unknownPart) != ""
		}
		return v != "", true
	case node:
		return true, true
	}
	return false, false
}

// scalar gives the value of a YAML scalar.
func scalar(n node) value {
	s := n.resolved()
	if s.Node == nil {
		return nil
	}
	switch s.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return s.Value == "true" || s.Value == "True" || s.Value == "TRUE"
	case "!!int", "!!float":
		if f, err := strconv.ParseFloat(s.Value, 64); err == nil && strconv.FormatFloat(f, 'f', -1, 64) == s.Value {
			return f
		}
	}
	if s.isMap() || s.isList() {
		return s
	}
	return s.Value
}

// expression is an expression being read.
type expression struct {
	text   string
	at     int
	deep   int
	failed bool
	names  contexts
	budget *budget.Budget
}

// maxExpression is how deep an expression may be nested.
const maxExpression = 100

// fail gives up: what is written is no expression.
func (p *expression) fail() value {
	p.failed = true
	return unset{}
}

// take skips an operator if it is next.
func (p *expression) take(op string) bool {
	p.span(" \t\r\n")
	if strings.HasPrefix(p.text[p.at:], op) {
		p.at += len(op)
		return true
	}
	return false
}

func (p *expression) or() value {
	if p.deep++; p.deep > maxExpression || p.budget.Steps(1) != nil {
		return p.fail()
	}
	defer func() { p.deep-- }()
	v := p.and()
	for p.take("||") {
		right := p.and()
		switch yes, known := truth(v); {
		case !known:
			v = unset{}
		case !yes:
			v = right
		}
	}
	return v
}

func (p *expression) and() value {
	v := p.compare()
	for p.take("&&") {
		right := p.compare()
		switch yes, known := truth(v); {
		case !known:
			if rightYes, rightKnown := truth(right); rightKnown && !rightYes {
				v = right // either is false
			} else {
				v = unset{}
			}
		case yes:
			v = right
		}
	}
	return v
}

func (p *expression) compare() value {
	v := p.not()
	for {
		switch {
		case p.take("=="):
			v = equal(v, p.not())
		case p.take("!="):
			if e, ok := equal(v, p.not()).(bool); ok {
				v = !e
			} else {
				v = unset{}
			}
		case p.take("<="), p.take(">="), p.take("<"), p.take(">"):
			p.not()
			v = unset{}
		default:
			return v
		}
	}
}

// equal compares as GitHub does: strings without regard to case.
func equal(a, b value) value {
	for _, v := range []value{a, b} {
		switch v := v.(type) {
		case unset, node:
			return unset{}
		case string:
			if !word(v).known() {
				return unset{}
			}
		}
	}
	return strings.EqualFold(string(textOf(a)), string(textOf(b)))
}

func (p *expression) not() value {
	p.span(" \t\r\n")
	if strings.HasPrefix(p.text[p.at:], "!") && !strings.HasPrefix(p.text[p.at:], "!=") {
		p.at++
		if p.deep++; p.deep > maxExpression {
			return p.fail()
		}
		defer func() { p.deep-- }()
		if yes, known := truth(p.not()); known {
			return !yes
		}
		return unset{}
	}
	return p.primary()
}

func (p *expression) primary() value {
	p.span(" \t\r\n")
	if p.at >= len(p.text) {
		return p.fail()
	}
	switch c := p.text[p.at]; {
	case c == '(':
		p.at++
		v := p.or()
		if !p.take(")") {
			p.failed = true
		}
		return v
	case c == '\'':
		return p.quoted()
	case c >= '0' && c <= '9' || c == '-' || c == '.':
		f, err := strconv.ParseFloat(p.span("0123456789abcdefABCDEFxX+-."), 64)
		if err != nil {
			return unset{}
		}
		return f
	default:
		return p.name()
	}
}

func (p *expression) quoted() value {
	var out strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		if p.text[p.at] == '\'' {
			if p.at+1 < len(p.text) && p.text[p.at+1] == '\'' {
				p.at++
			} else {
				p.at++
				return out.String()
			}
		}
		out.WriteByte(p.text[p.at])
	}
	return p.fail()
}

// span takes the bytes that are next among some.
func (p *expression) span(of string) string {
	rest := p.text[p.at:]
	n := len(rest) - len(strings.TrimLeft(rest, of))
	p.at += n
	return rest[:n]
}

// identifier are the bytes of a name.
const identifier = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-*"

// name reads a name with its properties, a literal, or a call.
func (p *expression) name() value {
	first := p.span(identifier)
	if first == "" {
		return p.fail()
	}
	path, certain := []string{first}, true
	for {
		switch {
		case p.take("."):
			path = append(path, p.span(identifier))
		case p.take("["):
			i := p.or()
			if !p.take("]") {
				return p.fail()
			}
			w := textOf(i)
			certain = certain && w.known()
			path = append(path, string(w))
		case p.take("("):
			return p.call(first)
		default:
			switch {
			case len(path) == 1 && strings.EqualFold(first, "true"):
				return true
			case len(path) == 1 && strings.EqualFold(first, "false"):
				return false
			case len(path) == 1 && strings.EqualFold(first, "null"):
				return nil
			case !certain || p.names == nil:
				return unset{}
			}
			if v, ok := p.names(path); ok {
				return v
			}
			return unset{}
		}
	}
}

// call reads the arguments of a function. Of the functions only format is of use here.
func (p *expression) call(name string) value {
	var args []value
	for !p.take(")") {
		if len(args) > 0 && !p.take(",") || p.failed {
			return p.fail()
		}
		args = append(args, p.or())
	}
	if !strings.EqualFold(name, "format") || len(args) == 0 {
		return unset{}
	}
	pairs := []string{"{{", "{", "}}", "}"}
	text, longest := string(textOf(args[0])), 0
	for i, a := range args[1:] {
		s := string(textOf(a))
		longest = max(longest, len(s))
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", s)
	}
	// Before it is made: each brace may stand for the longest argument.
	if p.budget.Bytes(int64(len(text)+strings.Count(text, "{")*longest)) != nil {
		return unset{}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
