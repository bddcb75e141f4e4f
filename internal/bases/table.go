package bases

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Facts are what is known of an image's settings, as JSON by what it is: "workdir", "user", "entrypoint", "cmd", "onbuild", "env NAME".
type Facts map[string]string

// Table is what is known of the settings of images, by the tags of which it holds:
//
//	NAME            all tags
//	NAME:VERSION    those that begin with a version
//	NAME:*-WORD     those that have a word: 8.2-fpm-alpine3.20 has fpm and alpine
//	NAME:*          those that have none of the words of which there are rows
//	NAME:onbuild    those that run the build of whoever builds on them, of which no other row holds
//
// A name is one, or a pattern of names as path.Match has them.
type Table map[string]Facts

// ReadTable reads what String writes.
func ReadTable(text string) Table {
	t := Table{}
	for line := range strings.Lines(text) {
		row, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if row == "#" {
			continue
		}
		what, value, _ := strings.Cut(rest, " ")
		if what == "env" {
			var name string
			name, value, _ = strings.Cut(value, " ")
			what += " " + name
		}
		if t[row] == nil {
			t[row] = Facts{}
		}
		t[row][what] = value
	}
	return t
}

func (t Table) String() string {
	var b strings.Builder
	b.WriteString("# What images are configured with. Made by hack/bases; do not edit.\n")
	for _, row := range slices.Sorted(maps.Keys(t)) {
		for _, what := range slices.Sorted(maps.Keys(t[row])) {
			fmt.Fprintf(&b, "%s %s %s\n", row, what, t[row][what])
		}
	}
	return b.String()
}

// Find gives what is known of an image by its full reference, nil if that is nothing.
func (t Table) Find(ref string) Facts {
	name, tag := split(ref)
	var known Facts
	onbuild := strings.HasSuffix(tag, "onbuild")
	if strings.Contains(tag, "windows") || strings.Contains(tag, "nanoserver") || strings.Contains(tag, "dhi") {
		return nil
	}
	var rows []string
	wordless := true
	for row := range t {
		of, tags, _ := strings.Cut(row, ":")
		if ok, _ := path.Match(of, name); !ok && of != name || onbuild != (tags == "onbuild") {
			continue
		}
		word, isWord := strings.CutPrefix(tags, "*-")
		version, isVersion := strings.CutPrefix(tag, tags)
		switch {
		case isWord && !slices.Contains(words(tag), word):
			continue
		case isWord:
			wordless = false
		case tags != "*" && !onbuild && (!isVersion || tags != "" && version != "" && version[0] != '.' && version[0] != '-'):
			continue
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b string) int { // 3, then 3.12, and of the words the first last
		if _, word, ok := strings.Cut(b, ":*-"); ok && strings.Contains(a, ":*-") {
			_, other, _ := strings.Cut(a, ":*-")
			return slices.Index(words(tag), word) - slices.Index(words(tag), other)
		}
		return cmp.Or(len(a)-len(b), strings.Compare(a, b))
	})
	for _, row := range rows {
		if strings.HasSuffix(row, ":*") && !wordless {
			continue
		}
		if known == nil {
			known = Facts{}
		}
		maps.Copy(known, t[row])
	}
	return known
}

// split gives the name and the tag of an image, by its full reference. The same image goes by several names.
func split(ref string) (name, tag string) {
	name, _, _ = strings.Cut(ref, "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name, tag = name[:i], name[i+1:]
	}
	for _, same := range [][2]string{
		{"public.ecr.aws/docker/library/", "docker.io/library/"}, {"mirror.gcr.io/library/", "docker.io/library/"}, {"registry.docker.com/library/", "docker.io/library/"},
		{"docker.io/amd64/", "docker.io/library/"}, {"docker.io/arm64v8/", "docker.io/library/"}, {"docker.io/arm32v7/", "docker.io/library/"},
		{"docker.io/astral/", "ghcr.io/astral-sh/"}, {"registry.redhat.io/ubi", "registry.access.redhat.com/ubi"},
		{"docker.io/redhat/ubi", "registry.access.redhat.com/ubi"}, {"mcr.microsoft.com/dotnet/core/", "mcr.microsoft.com/dotnet/"},
		{"docker.io/amazon/aws-lambda-", "public.ecr.aws/lambda/"},
	} {
		if rest, ok := strings.CutPrefix(name, same[0]); ok {
			return same[1] + rest, tag
		}
	}
	return name, tag
}

// words gives what a tag is made of, without the versions: fpm and alpine of 8.2-fpm-alpine3.20.
func words(tag string) (out []string) {
	for word := range strings.SplitSeq(tag, "-") {
		if word = strings.TrimRight(word, ".0123456789"); word != "" {
			out = append(out, word)
		}
	}
	return out
}

// Config gives facts as an image configuration in JSON.
func (f Facts) Config() []byte {
	config := map[string]any{}
	var env []string
	for what, value := range f {
		if name, ok := strings.CutPrefix(what, "env "); ok {
			var text string
			_ = json.Unmarshal([]byte(value), &text) // as a test proves
			env = append(env, name+"="+text)
			continue
		}
		config[map[string]string{"workdir": "WorkingDir", "user": "User", "entrypoint": "Entrypoint", "cmd": "Cmd", "onbuild": "OnBuild"}[what]] = json.RawMessage(value)
	}
	slices.Sort(env)
	config["Env"] = env
	data, _ := json.Marshal(map[string]any{"config": config})
	return data
}
