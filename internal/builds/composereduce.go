package builds

import (
	"bytes"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"
)

// What a service is reduced to where the library refuses the rest of it: what says how its image is built, and how that is started.
var (
	composeBuilds = []string{"build", "image", "extends", "platform", "profiles", "command", "entrypoint", "working_dir", "environment", "env_file", "healthcheck", "<<"}
	composeStarts = append(slices.Clone(composeBuilds), "volumes")
)

// reduced gives Compose files with only some settings of their services, and without what stands beside these, and lays those that they
// include or extend on the stage so. A port, a name or a mount that is made of an unset variable is none, and the library would
// give up all the files for it.
func (c composeFiles) reduced(details types.ConfigDetails, keep []string) types.ConfigDetails {
	details.ConfigFiles = slices.Clone(details.ConfigFiles)
	for _, f := range sortedKeys(c.stage.docs) {
		data, err := reducedFile(c.stage.docs[f], keep)
		if err == nil {
			err = c.stage.put(f, data)
		}
		if err != nil {
			continue // the library says what is wrong
		}
		if i := slices.Index(c.group, f); i >= 0 {
			details.ConfigFiles[i].Content = data
		}
	}
	return details
}

func reducedFile(docs []node, keep []string) ([]byte, error) {
	var out bytes.Buffer
	for _, doc := range docs {
		data, err := yaml.Marshal(reduce(doc, func(key string) bool { return key == "services" || key == "include" || strings.HasPrefix(key, "x-") }, keep).Node)
		if err != nil {
			return nil, err
		}
		out.WriteString("---\n")
		out.Write(data)
	}
	return out.Bytes(), nil
}

// reduce gives a document with only some of its keys, and its services with only some of theirs.
func reduce(doc node, wanted func(string) bool, keep []string) node {
	out := only(doc, wanted)
	for i := 0; i+1 < len(out.Content); i += 2 {
		if out.Content[i].Value != "services" {
			continue
		}
		services := only(node{out.Content[i+1]}, func(string) bool { return true })
		for j := 0; j+1 < len(services.Content); j += 2 {
			if s := (node{services.Content[j+1]}); s.Node.Kind == yaml.MappingNode {
				services.Content[j+1] = only(s, func(key string) bool { return slices.Contains(keep, key) }).Node
			}
		}
		out.Content[i+1] = services.Node
	}
	return out
}

// only gives a mapping with only some of its keys; another node as it is.
func only(n node, wanted func(string) bool) node {
	if n.Node == nil || n.Kind != yaml.MappingNode {
		return n
	}
	m := *n.Node
	m.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		if wanted(n.Content[i].Value) {
			m.Content = append(m.Content, n.Content[i], n.Content[i+1])
		}
	}
	return node{&m}
}
