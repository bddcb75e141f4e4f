package bases

import (
	_ "embed"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
)

//go:embed official.txt
var table string

// rows are what is known of the settings of images, as JSON by what it is, by NAME and NAME:VERSION.
var rows = sync.OnceValue(func() map[string]map[string]string {
	out := map[string]map[string]string{}
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		what, value, _ := strings.Cut(rest, " ")
		if what == "env" {
			variable, text, _ := strings.Cut(value, " ")
			what, value = "env "+variable, text
		}
		if out[name] == nil {
			out[name] = map[string]string{}
		}
		out[name][what] = value
	}
	return out
})

// settings gives what is known of the settings of an image: that of all tags, then that of the version with which its tag begins.
func settings(ref string) map[string]string {
	ref, _, _ = strings.Cut(ref, "@")
	name, tag := ref, ""
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		name, tag = ref[:i], ref[i+1:]
	}
	if library, ok := strings.CutPrefix(name, "public.ecr.aws/docker/library/"); ok {
		name = "docker.io/library/" + library
	}
	out := map[string]string{}
	switch {
	case strings.Contains(tag, "windows") || strings.Contains(tag, "nanoserver"):
		return out
	case strings.HasSuffix(tag, "onbuild"): // not one version of others
		return maps.Clone(rows()[name+":onbuild"])
	}
	maps.Copy(out, rows()[name])
	for end := range len(tag) + 1 { // 3, then 3.12
		if end == len(tag) || tag[end] == '.' || tag[end] == '-' {
			maps.Copy(out, rows()[name+":"+tag[:end]])
		}
	}
	return out
}

// Config gives the settings of an image that are known by its full reference, as an image configuration in JSON; nil if none are. What an
// ENTRYPOINT that is a script of the image makes of CMD is not known, so neither is given then.
func Config(ref string) []byte {
	known := settings(ref)
	if len(known) == 0 {
		return nil
	}
	config := map[string]any{}
	var env []string
	for what, value := range known {
		if name, ok := strings.CutPrefix(what, "env "); ok {
			var text string
			_ = json.Unmarshal([]byte(value), &text) // as a test proves
			env = append(env, name+"="+text)
		}
	}
	slices.Sort(env)
	config["Env"] = env
	for what, field := range map[string]string{"workdir": "WorkingDir", "user": "User", "cmd": "Cmd", "onbuild": "OnBuild"} {
		if value, ok := known[what]; ok && (what != "cmd" || known["entrypoint"] == "[]") {
			config[field] = json.RawMessage(value)
		}
	}
	data, _ := json.Marshal(map[string]any{"config": config})
	return data
}
