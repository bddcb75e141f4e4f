package builds

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	interpolation "github.com/compose-spec/compose-go/v2/template"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// requiredVariables stands in for values that a Compose file demands, as in ${NAME:?message}, and that are not known here:
// most of them have nothing to do with what is built, and Compose would give up the whole file.
type requiredVariables struct {
	// all stands in for every variable without a value or a default.
	all     bool
	missing []interpolation.MissingRequiredError
	// made are the texts in which something stands in for a value.
	made map[string]bool
}

// standIn is a value that text and numbers may have.
const standIn = "0"

// substitute is interpolation.Substitute, which goes on where a required value is missing.
func (r *requiredVariables) substitute(text string, values interpolation.Mapping) (string, error) {
	var stand []string
	if r.all {
		stand = r.unset(text, values)
	}
	for {
		out, err := interpolation.Substitute(text, func(name string) (string, bool) {
			if slices.Contains(stand, name) {
				return standIn, true
			}
			return values(name)
		})
		var missing *interpolation.MissingRequiredError
		if !errors.As(err, &missing) || slices.Contains(stand, missing.Variable) {
			if len(stand) > 0 && err == nil {
				if r.made == nil {
					r.made = map[string]bool{}
				}
				r.made[out] = true
			}
			return out, err
		}
		stand = append(stand, missing.Variable)
		r.note(*missing)
	}
}

func (r *requiredVariables) note(missing interpolation.MissingRequiredError) {
	if !slices.ContainsFunc(r.missing, func(m interpolation.MissingRequiredError) bool { return m.Variable == missing.Variable }) {
		r.missing = append(r.missing, missing)
	}
}

// plain finds the variables of a text that are written without a default; $$ is a dollar sign.
var plain = lazyre.New(`\$\$|\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)`)

// unset gives the variables of a text that have neither a value nor a default.
func (r *requiredVariables) unset(text string, values interpolation.Mapping) []string {
	var out []string
	for _, m := range plain().FindAllStringSubmatch(text, -1) {
		name := m[1] + m[2]
		if _, ok := values(name); name != "" && !ok {
			out = append(out, name)
			r.note(interpolation.MissingRequiredError{Variable: name})
		}
	}
	return out
}

// notes tells, once for some files, which values are missing.
func (r *requiredVariables) notes(c composeFiles) []Note {
	if len(r.missing) == 0 {
		return nil
	}
	slices.SortFunc(r.missing, func(a, b interpolation.MissingRequiredError) int { return strings.Compare(a.Variable, b.Variable) })
	first := r.missing[0]
	n := Note{File: c.group[0], Text: "a value is required for " + first.Variable}
	if first.Reason != "" {
		n.Text += " (" + first.Reason + ")"
	}
	if more := len(r.missing) - 1; more > 0 {
		n.Text += fmt.Sprintf(", and for %d more", more)
	}
	n.Text += ": what is built with it may differ; an .env file beside the Compose file can give it"
	use := regexp.MustCompile(`\$\{?` + regexp.QuoteMeta(first.Variable) + `\b`)
	if file, line := c.text(use.MatchString); line > 0 {
		n.File, n.Line = file, line
	}
	return []Note{n}
}
