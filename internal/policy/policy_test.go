package policy

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

const full = `version: 1
images:
  backend:
    context: .
    dockerfile: docker/Dockerfile
    target: prod
    build-args: {A: "1"}
    build-contexts: {lib: ../lib}
    platform: linux/amd64
    require:
      paths: [/app/main.py, "/app/**/*.py"]
      modules:
        - shop/app
        - path: shop/lib
          include: ["**/*.py"]
          exclude: ["tests/**"]
          at: /srv/lib
      env:
        MODE: production
        PYTHONPATH: {contains: /app, dirs-exist: true}
        DEBUG: {set: false}
        VERSION: {matches: "v[0-9]+"}
      workdir: /app
      user: app
      entrypoint-exists: true
    forbid:
      paths: ["/**/.env"]
`

func TestParseReadsEverything(t *testing.T) {
	f, err := Parse("c.yaml", []byte(full))
	require.NoError(t, err)
	img := f.Images["backend"]
	assert.Equal(t, []string{"backend"}, f.Names())
	assert.Equal(t, "docker/Dockerfile", img.Dockerfile)
	assert.Equal(t, Module{Path: "shop/app"}, img.Require.Modules[0])
	assert.Equal(t, Module{Path: "shop/lib", Include: []string{"**/*.py"}, Exclude: []string{"tests/**"}, At: "/srv/lib"}, img.Require.Modules[1])
	assert.Equal(t, "production", *img.Require.Env["MODE"].Equals)
	assert.True(t, img.Require.Env["PYTHONPATH"].DirsExist)
	assert.False(t, *img.Require.Env["DEBUG"].Set)
	assert.True(t, img.Require.EntrypointExists)
	assert.Equal(t, 13, f.Line("images", "backend", "require", "modules", 0))
	assert.Equal(t, 14, f.Line("images", "backend", "require", "modules", 1))
	assert.Equal(t, 20, f.Line("images", "backend", "require", "env", "PYTHONPATH"))
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"unknown key with its line and the nearest": {"images:\n  a:\n    requires:\n      paths: []\n", `c.yaml:3:5: unknown key "requires"; did you mean "require"?`},
		"unknown key in a module":                   {"images:\n  a:\n    require:\n      modules:\n        - path: x\n          inclde: []\n", `c.yaml:6:11: unknown key "inclde"; did you mean "include"?`},
		"unknown key unlike any":                    {"images:\n  a:\n    zzzzzzzzzz: 1\n", `unknown key "zzzzzzzzzz"; known are`},
		"wrong type":                                {"images:\n  a:\n    require:\n      paths: 3\n", "c.yaml:4"},
		"no images":                                 {"version: 1\n", "no images"},
		"empty":                                     {"", "empty"},
		"version":                                   {"version: 2\nimages: {a: {}}\n", "c.yaml:1: version 2 is not supported"},
		"bad glob":                                  {"images:\n  a:\n    forbid:\n      paths: ['/[']\n", `c.yaml:4: "/[" is not a valid pattern`},
		"relative image path":                       {"images:\n  a:\n    require:\n      paths:\n        - /a\n        - app/x\n", `c.yaml:6: "app/x": image paths start with /`},
		"module outside":                            {"images:\n  a:\n    require:\n      modules: [../x]\n", "lies outside the build context"},
		"empty env":                                 {"images:\n  a:\n    require:\n      env:\n        A: {}\n", "c.yaml:5: A: say what it must be"},
		"contradiction":                             {"images:\n  a:\n    require:\n      env:\n        A: {set: false, equals: x}\n", "must not be set"},
		"regexp":                                    {"images:\n  a:\n    require:\n      env:\n        A: {matches: '('}\n", "c.yaml:5: \"(\" is not a valid regular expression"},
		"not yaml":                                  {"images: [\n", "c.yaml:"},
		"duplicate key":                             {"images:\n  a: {}\n  a: {}\n", "c.yaml:3"},
		"two documents":                             {"images: {a: {}}\n---\nimages: {}\n", "one document only"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("c.yaml", []byte(c.in))
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.want)
		})
	}
}

// The schema and the parser must agree on what is allowed.
func TestSchemaAgreesWithTheParser(t *testing.T) {
	raw, err := Schema()
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("s.json", doc))
	schema, err := c.Compile("s.json")
	require.NoError(t, err)
	valid := func(text string) bool {
		var v any
		require.NoError(t, yaml.Unmarshal([]byte(text), &v))
		j, err := json.Marshal(v)
		require.NoError(t, err)
		inst, err := jsonschema.UnmarshalJSON(strings.NewReader(string(j)))
		require.NoError(t, err)
		return schema.Validate(inst) == nil
	}
	for text, want := range map[string]bool{
		full:                            true,
		"images: {a: {}}\n":             true,
		"images: {a: {requires: {}}}\n": false,
		"images: {a: {require: {modules: [{pth: x}]}}}\n":          false,
		"images: {a: {require: {env: {A: {equal: x}}}}}\n":         false,
		"images: {a: {require: {env: {A: x}, modules: [pkg]}}}\n":  true,
		"images: {a: {require: {entrypoint-exists: \"perhaps\"}}}": false,
	} {
		_, err := Parse("c.yaml", []byte(text))
		assert.Equal(t, want, err == nil, "parser: %s: %v", text, err)
		assert.Equal(t, want, valid(text), "schema: %s", text)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte("images:\n  a:\n    require: {modules: [x, {path: y}]}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse("c.yaml", data)
		if err != nil {
			return
		}
		// What was accepted names an image, and every line lies in the file.
		assert.NotEmpty(t, file.Images)
		lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 1
		for at, n := range file.lines {
			assert.True(t, n >= 0 && n <= lines, "%q: line %d of %d", at, n, lines)
		}
	})
}
