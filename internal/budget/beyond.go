package budget

import "fmt"

// Beyond is something of a file that ctxaudit does not follow because of what that would cost, with its place. It says
// nothing against the file: a build may well succeed.
type Beyond struct {
	File string
	Line int // 0: the whole file
	What string
	Err  error // the limit that was passed, if it is one of a budget
}

func (e *Beyond) Error() string {
	at := e.File
	if e.Line > 0 {
		at = fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	if at != "" {
		at += ": "
	}
	return at + e.Text()
}

// Text is the message without the place.
func (e *Beyond) Text() string {
	text := "ctxaudit does not follow " + e.What
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *Beyond) Unwrap() error { return e.Err }
