package document

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// maxXMLDepth bounds how deep elements may be nested, maxXMLElements how many there may be.
const (
	maxXMLDepth    = 100
	maxXMLElements = 200_000
)

var errElements = errors.New("too many elements")

// XML reads a document in XML: a table with the root element. An element without others in it is a scalar with its text; its attributes,
// by names that begin with "@", and the elements in it are its fields. Elements of one name are a list. Namespaces are left out.
func XML(data []byte) (*Node, *Error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	d, lines := xml.NewDecoder(bytes.NewReader(data)), NewLines(data)
	stack := []*Node{{Line: 1}}
	fault := func(err error) (*Node, *Error) {
		return nil, &Error{Line: lines.At(max(int(d.InputOffset())-1, 0)), Message: err.Error()}
	}
	for elements := 0; ; {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return stack[0], nil
		}
		if err != nil {
			return fault(err)
		}
		in := stack[len(stack)-1]
		switch t := t.(type) {
		case xml.StartElement:
			if elements++; elements > maxXMLElements {
				return fault(errElements)
			}
			if len(stack) > maxXMLDepth {
				return fault(errDepth)
			}
			n := &Node{Line: lines.At(max(int(d.InputOffset())-1, 0)), Scalar: true}
			for _, a := range t.Attr {
				n.set("@"+a.Name.Local, &Node{Line: n.Line, Scalar: true, Text: a.Value})
			}
			in.Scalar, in.Text = false, ""
			in.add(t.Name.Local, n)
			stack = append(stack, n)
		case xml.EndElement:
			in.Text = strings.TrimSpace(in.Text)
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if in.Scalar {
				in.Text += string(t)
			}
		}
	}
}

// add sets a field, which becomes a list if it is there.
func (n *Node) add(key string, value *Node) {
	switch have := n.Fields[key]; {
	case have == nil:
		n.set(key, value)
	case len(have.Items) > 0:
		have.Items = append(have.Items, value)
	default:
		n.set(key, &Node{Line: have.Line, Items: []*Node{have, value}})
	}
}

// Every gives the values that keys lead to, through each element of the lists on the way.
func (n *Node) Every(keys ...string) []*Node {
	switch {
	case n == nil:
		return nil
	case len(n.Items) > 0:
		var out []*Node
		for _, item := range n.Items {
			out = append(out, item.Every(keys...)...)
		}
		return out
	case len(keys) == 0:
		return []*Node{n}
	}
	return n.Fields[keys[0]].Every(keys[1:]...)
}
