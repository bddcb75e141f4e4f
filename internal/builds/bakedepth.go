package builds

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/ctxaudit/ctxaudit/internal/budget"
)

// maxBakeDepth is how deep a Bake file may be nested, brackets and operators that follow each other counted together.
const maxBakeDepth = 400

// opened are the tokens that begin something in which others stand, each with the one that ends it.
var opened = map[hclsyntax.TokenType]hclsyntax.TokenType{
	hclsyntax.TokenOParen: hclsyntax.TokenCParen, hclsyntax.TokenOBrace: hclsyntax.TokenCBrace, hclsyntax.TokenOBrack: hclsyntax.TokenCBrack,
	hclsyntax.TokenOQuote: hclsyntax.TokenCQuote, hclsyntax.TokenOHeredoc: hclsyntax.TokenCHeredoc,
	hclsyntax.TokenTemplateInterp: hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenTemplateControl: hclsyntax.TokenTemplateSeqEnd,
}

// operators are the tokens by which an expression gets one level deeper without a bracket: a chain of operators is a tree as
// deep as it is long. An index and a directive of a template do, too.
var operators = map[hclsyntax.TokenType]bool{
	hclsyntax.TokenBang: true, hclsyntax.TokenMinus: true, hclsyntax.TokenPlus: true, hclsyntax.TokenStar: true, hclsyntax.TokenSlash: true,
	hclsyntax.TokenPercent: true, hclsyntax.TokenEqualOp: true, hclsyntax.TokenNotEqual: true, hclsyntax.TokenLessThan: true,
	hclsyntax.TokenLessThanEq: true, hclsyntax.TokenGreaterThan: true, hclsyntax.TokenGreaterThanEq: true, hclsyntax.TokenAnd: true,
	hclsyntax.TokenOr: true, hclsyntax.TokenQuestion: true, hclsyntax.TokenOBrack: true, hclsyntax.TokenTemplateControl: true,
}

// shallowTokens fails for a text of HCL that its parser would go too deep for, with the place.
//
// For each thing that is open it counts the operators since its last comma, or line where lines end expressions: no branch of
// the tree is longer than their sum. A bracket that closes another one than the last ends nothing; the parser gives up there.
func shallowTokens(tokens hclsyntax.Tokens) (at hcl.Range, err error) {
	type level struct {
		end   hclsyntax.TokenType
		chain int
		lines bool // a line ends an expression
	}
	open := []level{{lines: true}}
	depth := 0
	for _, t := range tokens {
		top := &open[len(open)-1]
		switch {
		case t.Type == top.end && len(open) > 1:
			depth -= top.chain + 1
			open = open[:len(open)-1]
			continue
		case t.Type == hclsyntax.TokenComma, t.Type == hclsyntax.TokenNewline && top.lines:
			depth -= top.chain
			top.chain = 0
			continue
		}
		if operators[t.Type] {
			top.chain++
			depth++
		}
		if end, ok := opened[t.Type]; ok {
			open = append(open, level{end: end, lines: t.Type == hclsyntax.TokenOBrace})
			depth++
		}
		if depth > maxBakeDepth {
			return t.Range, &budget.Exceeded{Kind: "depth", Limit: maxBakeDepth}
		}
		if t.Type == hclsyntax.TokenNumberLit && vast(string(t.Bytes)) {
			return t.Range, &budget.Exceeded{Kind: "bytes", Limit: maxExponent}
		}
	}
	return hcl.Range{}, nil
}

// vast reports whether a number would be thousands of digits long.
func vast(number string) bool {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	return len(mantissa) > 1000 || len(strings.TrimLeft(exponent, "+-0")) > 3
}
