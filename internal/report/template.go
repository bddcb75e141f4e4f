package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/template"
)

// templateFuncs are what a template may call beside the functions of text/template.
var templateFuncs = template.FuncMap{
	"json": func(v any) (string, error) {
		data, err := json.Marshal(v)
		return string(data), err
	},
	"join":  func(sep string, list []string) string { return strings.Join(list, sep) },
	"lower": strings.ToLower,
	"upper": strings.ToUpper,
	"place": At,
}

// IsTemplate reports whether the name of a format is a template of Go.
func IsTemplate(name string) bool { return strings.Contains(name, "{{") }

// Template gives the format of a template of Go, which sees the record that --format json shows. It fails if the template is malformed.
func Template(text string) (Format, error) {
	t, err := template.New("format").Funcs(templateFuncs).Parse(text)
	if err != nil {
		return Format{}, fmt.Errorf("malformed template: %w", err)
	}
	return Format{Name: "template", Write: func(w io.Writer, a Audit, _ Style) error {
		if err := t.Execute(w, a.Report); err != nil {
			return err
		}
		_, err := io.WriteString(w, "\n")
		return err
	}}, nil
}
