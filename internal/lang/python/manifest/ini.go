package manifest

import (
	"bytes"
	"strings"
)

// iniValue is the value of a key, line by line.
type iniValue []logicalLine

func (v iniValue) text() string {
	var parts []string
	for _, l := range v {
		parts = append(parts, l.text)
	}
	return strings.Join(parts, "\n")
}

// words gives the elements of a list, which setuptools separates by lines or else by commas.
func (v iniValue) words() []string {
	var words []string
	for _, l := range v {
		for word := range strings.SplitSeq(l.text, ",") {
			if word = strings.TrimSpace(word); word != "" {
				words = append(words, word)
			}
		}
	}
	return words
}

func (v iniValue) line() int {
	if len(v) == 0 {
		return 0
	}
	return v[0].line
}

// iniSection is a section of an ini file. Its keys are in lower case, and in order.
type iniSection struct {
	keys   []string
	values map[string]iniValue
}

func (s *iniSection) get(key string) iniValue {
	if s == nil {
		return nil
	}
	return s.values[key]
}

// parseINI reads an ini file as Python's configparser does: a line that is indented continues the value before it,
// comments stand on lines of their own. first is the line that data begins on.
func parseINI(data []byte, first int, keepCase bool) (map[string]*iniSection, *Error) {
	sections := map[string]*iniSection{}
	var section *iniSection
	key := ""
	var fault *Error
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	for i, raw := range strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n") {
		line := first + i
		text := strings.TrimSpace(raw)
		if text == "" || text[0] == '#' || text[0] == ';' {
			continue
		}
		if (raw[0] == ' ' || raw[0] == '\t') && key != "" {
			section.values[key] = append(section.values[key], logicalLine{stripComment(text), line})
			continue
		}
		if text[0] == '[' {
			name, _, _ := strings.Cut(text[1:], "]")
			name = strings.TrimSpace(name)
			if sections[name] == nil {
				sections[name] = &iniSection{values: map[string]iniValue{}}
			}
			section, key = sections[name], ""
			continue
		}
		at := strings.IndexAny(text, "=:")
		if at <= 0 || section == nil {
			if fault == nil {
				fault = &Error{Line: line, Message: "neither a section nor a key"}
			}
			key = ""
			continue
		}
		key = strings.TrimSpace(text[:at])
		if !keepCase {
			key = strings.ToLower(key)
		}
		if _, ok := section.values[key]; !ok {
			section.keys = append(section.keys, key)
		}
		section.values[key] = nil
		if value := strings.TrimSpace(text[at+1:]); value != "" {
			section.values[key] = iniValue{{value, line}}
		}
	}
	return sections, fault
}
