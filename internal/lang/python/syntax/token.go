package syntax

// kind is the kind of a token: an operator by its own character or code, a name by its keyword.
type kind uint8

// The kinds of tokens.
const (
	tokInvalid kind = iota
	tokName
	tokNumber
	tokString
	tokFString    // the beginning of an f-string or t-string; fields follow, then tokFStringEnd
	tokFStringEnd //
	tokOp         // an operator that nothing here asks for
	tokAssign     // =
	tokAugAssign  // += and its like
	tokNamed      // :=
	tokColon
	tokComma
	tokSemicolon
	tokDot
	tokStar
	tokDoubleStar
	tokPlus
	tokMinus
	tokSlash
	tokCompare // == != < > <= >= <>
	tokAt
	tokArrow
	tokOpen  // ( [ {, a field's brace too
	tokClose // their counterparts

	kwAnd // the first keyword
	kwAs
	kwAssert
	kwAsync
	kwAwait
	kwBreak
	kwClass
	kwContinue
	kwDef
	kwDel
	kwElif
	kwElse
	kwExcept
	kwFalse
	kwFinally
	kwFor
	kwFrom
	kwGlobal
	kwIf
	kwImport
	kwIn
	kwIs
	kwLambda
	kwNone
	kwNonlocal
	kwNot
	kwOr
	kwPass
	kwRaise
	kwReturn
	kwTrue
	kwTry
	kwWhile
	kwWith
	kwYield
)

// token is a piece of the source. In a logical line, brackets and f-strings know their counterpart.
type token struct {
	kind     kind
	off, end int32
	match    int32 // index of the counterpart in the line; -1 without one
}

// keyword gives the kind of a name.
func keyword(s string) kind {
	if len(s) < 2 || len(s) > 8 {
		return tokName
	}
	switch s {
	case "and":
		return kwAnd
	case "as":
		return kwAs
	case "assert":
		return kwAssert
	case "async":
		return kwAsync
	case "await":
		return kwAwait
	case "break":
		return kwBreak
	case "class":
		return kwClass
	case "continue":
		return kwContinue
	case "def":
		return kwDef
	case "del":
		return kwDel
	case "elif":
		return kwElif
	case "else":
		return kwElse
	case "except":
		return kwExcept
	case "False":
		return kwFalse
	case "finally":
		return kwFinally
	case "for":
		return kwFor
	case "from":
		return kwFrom
	case "global":
		return kwGlobal
	case "if":
		return kwIf
	case "import":
		return kwImport
	case "in":
		return kwIn
	case "is":
		return kwIs
	case "lambda":
		return kwLambda
	case "None":
		return kwNone
	case "nonlocal":
		return kwNonlocal
	case "not":
		return kwNot
	case "or":
		return kwOr
	case "pass":
		return kwPass
	case "raise":
		return kwRaise
	case "return":
		return kwReturn
	case "True":
		return kwTrue
	case "try":
		return kwTry
	case "while":
		return kwWhile
	case "with":
		return kwWith
	case "yield":
		return kwYield
	}
	return tokName
}

// cannotContinue reports whether a keyword at the beginning of a physical line proves that no bracket is open any more:
// no expression holds it.
func (k kind) cannotContinue() bool {
	switch k {
	case kwAssert, kwBreak, kwClass, kwContinue, kwDef, kwDel, kwElif, kwExcept, kwFinally, kwGlobal, kwImport,
		kwNonlocal, kwPass, kwRaise, kwReturn, kwTry, kwWhile, kwWith:
		return true
	}
	return false
}
