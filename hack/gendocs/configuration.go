package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
)

// node is what configuration reads of a JSON Schema.
type node struct {
	Type        any        `json:"type"`
	Description string     `json:"description"`
	Ref         string     `json:"$ref"`
	OneOf       []node     `json:"oneOf"`
	Items       *node      `json:"items"`
	Additional  any        `json:"additionalProperties"`
	Properties  properties `json:"properties"`
}

// properties keep the order of the schema.
type properties []property

type property struct {
	name string
	node
}

func (p *properties) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var n node
		if err := d.Decode(&n); err != nil {
			return err
		}
		*p = append(*p, property{name.(string), n})
	}
	return nil
}

// sections are the parts of the configuration, by the key below which each lies and its name in the schema.
var sections = []struct{ key, def, title string }{
	{"", "", "Top level"},
	{"images.NAME", "Image", "An image"},
	{"images.NAME.context", "Context", "Its context"},
	{"images.NAME.require", "Require", "What it must have"},
	{"images.NAME.require.modules[]", "Module", "Modules"},
	{"images.NAME.require.env.NAME", "Env", "Environment settings"},
	{"images.NAME.forbid", "Forbid", "What it must not have"},
	{"suppress[]", "Suppression", "Suppressions"},
}

// configuration gives the reference of the configuration file, out of its schema.
func configuration(schema []byte) ([]byte, error) {
	var root struct {
		node
		Defs map[string]node `json:"$defs"`
	}
	if err := json.Unmarshal(schema, &root); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("# Configuration\n\nGenerated from the [schema](ctxaudit.schema.json) of `.ctxaudit.yaml`, which is looked for in the directory that is audited, and above it up to the\n" +
		"root of the repository. `ctxaudit init` writes one; [requirements of your own](how-to.md#requirements-of-your-own) has an example. Nothing in it is needed: without one\n" +
		"the images are those that the repository says that it builds.\n")
	seen := map[string]bool{}
	for _, s := range sections {
		n := root.node
		if s.def != "" {
			n = root.Defs[s.def]
			seen[s.def] = true
		}
		list := n.Properties
		short := ""
		for _, alternative := range n.OneOf {
			if len(alternative.Properties) > 0 {
				list = alternative.Properties
			} else {
				short = alternative.Description
			}
		}
		fmt.Fprintf(&b, "\n## %s\n\n", s.title)
		if s.key != "" {
			fmt.Fprintf(&b, "%s\n\n", strings.TrimSpace("`"+s.key+"`. "+short))
		}
		b.WriteString("| key | value | |\n| --- | --- | --- |\n")
		for _, p := range list {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.name, p.kind(), strings.ReplaceAll(p.Description, "|", "\\|"))
		}
	}
	for name := range root.Defs {
		if !seen[name] {
			return nil, fmt.Errorf("the page of the configuration lacks %s", name)
		}
	}
	return b.Bytes(), nil
}

// kind says what a value is.
func (n node) kind() string {
	switch t, _ := n.Type.(string); {
	case n.Ref != "":
		return "mapping"
	case t == "array":
		return "list"
	case t == "object":
		return "mapping"
	default:
		return cmp.Or(t, "string or mapping")
	}
}
