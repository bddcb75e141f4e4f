package policy

import (
	"encoding/json"

	"github.com/invopop/jsonschema"
)

// SchemaID is where editors find the schema.
const SchemaID = "https://raw.githubusercontent.com/ctxaudit/ctxaudit/main/docs/ctxaudit.schema.json"

// Schema gives the JSON Schema of the configuration file, generated from its Go types.
func Schema() ([]byte, error) {
	r := &jsonschema.Reflector{RequiredFromJSONSchemaTags: true, ExpandedStruct: true}
	s := r.Reflect(&File{})
	s.ID, s.Title = SchemaID, "ctxaudit configuration"
	// Where a mapping may be shortened to its most used value.
	for name, def := range map[string]string{"Module": "path", "Env": "equals", "Context": "path"} {
		full := s.Definitions[name]
		s.Definitions[name] = &jsonschema.Schema{OneOf: []*jsonschema.Schema{
			{Type: "string", Description: "Short for a mapping with \"" + def + "\" alone."}, full,
		}}
	}
	out, err := json.MarshalIndent(s, "", "  ")
	return append(out, '\n'), err
}
