// Package languages is the table of the languages whose programs are followed.
package languages

import (
	"github.com/ctxaudit/ctxaudit/internal/lang"
	"github.com/ctxaudit/ctxaudit/internal/lang/golang"
	"github.com/ctxaudit/ctxaudit/internal/lang/javascript"
	"github.com/ctxaudit/ctxaudit/internal/lang/python"
)

// All are the languages, in the order in which they are asked.
var All = []lang.Language{python.Language, javascript.Language, golang.Language}
