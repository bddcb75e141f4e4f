package shell

import (
	"strconv"

	"mvdan.cc/sh/v3/syntax"
)

// unsetParam is a parameter that is not set.
func (x *expansion) unsetParam(name string) []syntax.WordPart {
	_, err := strconv.Atoi(name)
	if positional := err == nil || name == "#"; positional && x.s.ArgsUnknown {
		return lit(Hole)
	}
	if x.unsetEmpty || err == nil || name == x.self {
		x.unset = x.unset || err != nil
		return nil
	}
	return lit(Hole)
}

// unsetOp is an operator that asks whether a parameter is set; null tells that an empty one counts as unset.
type unsetOp struct {
	null bool
	then func(x *expansion, p *syntax.ParamExp, set, quoted bool) []syntax.WordPart
}

var unsetOps map[syntax.ParExpOperator]*unsetOp

func init() { // the functions expand words themselves
	unsetOps = map[syntax.ParExpOperator]*unsetOp{
		syntax.DefaultUnset:         {false, (*expansion).byDefault},
		syntax.DefaultUnsetOrNull:   {true, (*expansion).byDefault},
		syntax.AssignUnset:          {false, (*expansion).assignDefault},
		syntax.AssignUnsetOrNull:    {true, (*expansion).assignDefault},
		syntax.AlternateUnset:       {false, (*expansion).alternate},
		syntax.AlternateUnsetOrNull: {true, (*expansion).alternate},
		syntax.ErrorUnset:           {false, (*expansion).orEnd},
		syntax.ErrorUnsetOrNull:     {true, (*expansion).orEnd},
	}
}

// byDefault is ${name-word}.
func (x *expansion) byDefault(p *syntax.ParamExp, set, quoted bool) []syntax.WordPart {
	if set {
		return plain(p)
	}
	return x.inner(p.Exp.Word, quoted)
}

// assignDefault is ${name=word}.
func (x *expansion) assignDefault(p *syntax.ParamExp, set, quoted bool) []syntax.WordPart {
	if !set {
		y := &expansion{sh: x.sh, s: x.s, depth: x.depth}
		x.s.Assign(p.Param.Value, y.literal(p.Exp.Word).Text)
	}
	return x.byDefault(p, set, quoted)
}

// alternate is ${name+word}.
func (x *expansion) alternate(p *syntax.ParamExp, set, quoted bool) []syntax.WordPart {
	if !set {
		return nil
	}
	return x.inner(p.Exp.Word, quoted)
}

// orEnd is ${name?word}.
func (x *expansion) orEnd(p *syntax.ParamExp, set, _ bool) []syntax.WordPart {
	if set {
		return plain(p)
	}
	x.s.level.end(failed)
	return lit(Hole)
}
