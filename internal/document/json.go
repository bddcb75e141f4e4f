package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
)

// maxJSONDepth bounds how deep the values of a JSON document may be nested.
const maxJSONDepth = 100

var errDepth = errors.New("nested too deeply")

// JSON reads a document in JSON, also with comments and with commas before the end of a list, as configuration files have them. Of keys
// that are there twice the last counts.
func JSON(data []byte) (*Node, *Error) {
	data = plain(data)
	d := decoder{json.NewDecoder(bytes.NewReader(data)), NewLines(data)}
	d.UseNumber()
	n, err := d.value(0)
	if err == nil {
		return n, nil
	}
	fault := &Error{Message: err.Error(), Line: d.line()}
	return nil, fault
}

type decoder struct {
	*json.Decoder
	lines Lines
}

// line is that of what was read last.
func (d decoder) line() int { return d.lines.At(max(int(d.InputOffset())-1, 0)) }

func (d decoder) value(depth int) (*Node, error) {
	if depth > maxJSONDepth {
		return nil, errDepth
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	n := &Node{Line: d.line()}
	switch t := t.(type) {
	case string:
		n.Text, n.Scalar = t, true
	case json.Number:
		n.Text, n.Scalar = t.String(), true
	case bool:
		n.Scalar = true
		if n.Text = "false"; t {
			n.Text = "true"
		}
	case json.Delim:
		return n, d.inside(n, t, depth)
	}
	return n, nil
}

// inside reads what a list or a table holds.
func (d decoder) inside(n *Node, open json.Delim, depth int) error {
	if open == '{' {
		n.Fields = map[string]*Node{}
	}
	for d.More() {
		name := ""
		if open == '{' {
			key, err := d.Token()
			if err != nil {
				return err
			}
			name, _ = key.(string)
		}
		item, err := d.value(depth + 1)
		if err != nil {
			return err
		}
		if open == '{' {
			n.set(name, item)
		} else {
			n.Items = append(n.Items, item)
		}
	}
	_, err := d.Token()
	return err
}

// plain blanks comments, and commas before the end of a list; every other byte stays where it is.
func plain(data []byte) []byte {
	out := slices.Clone(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	comma := -1 // a comma behind which only white space and comments have come
	blank := func(from int, end []byte, more int) int {
		to := len(out)
		if n := bytes.Index(out[min(from+2, len(out)):], end); n >= 0 {
			to = from + 2 + n + more
		}
		for i := from; i < to; i++ {
			if out[i] != '\n' {
				out[i] = ' '
			}
		}
		return to - 1
	}
	for i := 0; i < len(out); i++ {
		switch c := out[i]; {
		case c == '"':
			comma = -1
			for i++; i < len(out) && out[i] != '"'; i++ {
				if out[i] == '\\' {
					i++
				}
			}
		case c == '/' && i+1 < len(out) && out[i+1] == '/':
			i = blank(i, []byte("\n"), 0)
		case c == '/' && i+1 < len(out) && out[i+1] == '*':
			i = blank(i, []byte("*/"), 2)
		case c == ',':
			comma = i
		case c == ']' || c == '}':
			if comma >= 0 {
				out[comma] = ' '
			}
			comma = -1
		case !bytes.ContainsAny([]byte{c}, " \t\n\r"):
			comma = -1
		}
	}
	return out
}
