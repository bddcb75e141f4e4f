// Command bases makes the table of what official images are configured with, out of the Dockerfiles that they are built from.
//
//	bases -sources DIR            writes internal/bases/official.txt
//	bases -sources DIR -check     compares it, and fails if it differs
//
// DIR has a checkout of repositories of the list below, as OWNER/REPO; more of the same repository, of other times, stand beside it
// as OWNER/REPO@ANYTHING. A row holds of every Dockerfile of the image, so that it holds of all tags; where versions differ, of every
// Dockerfile of a version. Rows of images whose repository is absent are kept, and printed.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
)

// image is an image, and the Dockerfiles that its tags are built from: those of a repository whose paths match. A group of the pattern is
// the version, which tags begin with; there is none without a group.
type image struct{ name, repo, paths string }

// images come after those that they are built on.
var images = []image{
	{"docker.io/library/alpine", "alpinelinux/docker-alpine", `^v(3\.\d+)/x86_64/`},
	{"docker.io/library/debian", "debuerreotype/docker-debian-artifacts", `^([a-z]+)/(slim/)?Dockerfile$`},
	{"docker.io/library/buildpack-deps", "docker-library/buildpack-deps", `^(?:debian/|ubuntu/|)([a-z]+)/`},
	{"docker.io/library/python", "docker-library/python", numbered},
	{"docker.io/library/golang", "docker-library/golang", numbered},
	{"docker.io/library/node", "nodejs/docker-node", numbered},
	{"docker.io/library/rust", "rust-lang/docker-rust", `^(?:\d|stable/)`},
	{"docker.io/library/ruby", "docker-library/ruby", numbered},
	{"docker.io/library/php", "docker-library/php", numbered},
	{"docker.io/library/openjdk", "docker-library/openjdk", numbered},
	{"docker.io/library/eclipse-temurin", "adoptium/containers", numbered},
	{"docker.io/library/maven", "carlossg/docker-maven", `temurin|openjdk|corretto`},
	{"docker.io/library/gradle", "keeganwitt/docker-gradle", `^jdk`},
	{"docker.io/library/nginx", "nginxinc/docker-nginx", `^(?:mainline|stable)/`},
	{"docker.io/library/httpd", "docker-library/httpd", `^2`},
	{"docker.io/library/redis", "docker-library/redis", numbered},
	{"docker.io/library/valkey", "valkey-io/valkey-container", numbered},
	{"docker.io/library/pypy", "docker-library/pypy", numbered},
	{"docker.io/library/perl", "Perl/docker-perl", `^5`},
	{"docker.io/library/erlang", "erlang/docker-erlang-otp", numbered},
	{"docker.io/library/postgres", "docker-library/postgres", numbered},
	{"docker.io/denoland/deno", "denoland/deno_docker", ``},
	{"docker.io/oven/bun", "oven-sh/bun", ``},
	{"docker.io/tiangolo/uvicorn-gunicorn", "tiangolo/uvicorn-gunicorn-docker", `(python3\.\d+)`},
	{"docker.io/tiangolo/uvicorn-gunicorn-fastapi", "tiangolo/uvicorn-gunicorn-fastapi-docker", `(python3\.\d+)`},
	// Of tags that run the build of whoever builds on them there have been no new ones since 2019.
	{"docker.io/library/python:onbuild", "docker-library/python", onbuild},
	{"docker.io/library/node:onbuild", "nodejs/docker-node", onbuild},
	{"docker.io/library/ruby:onbuild", "docker-library/ruby", onbuild},
	{"docker.io/library/golang:onbuild", "docker-library/golang", onbuild},
}

const (
	// numbered is a path that begins with a version.
	numbered = `^(\d+(?:\.\d+)*)(?:$|[-/])`
	// onbuild is a path of tags that run the build of whoever builds on them. Their rows are those of no version.
	onbuild = `onbuild/`
)

// table is the file that the program has built in.
const table = "internal/bases/official.txt"

func main() {
	sources := flag.String("sources", "", "directory with the repositories, as OWNER/REPO")
	out := flag.String("o", table, "file to write, or to compare")
	check := flag.Bool("check", false, "compare, and fail if the file differs")
	flag.Parse()
	if err := run(*sources, *out, *check); err != nil {
		fmt.Fprintln(os.Stderr, "bases:", err)
		os.Exit(1)
	}
}

func run(sources, out string, check bool) error {
	if sources == "" {
		return errors.New("-sources DIR is wanted")
	}
	have, err := os.ReadFile(out)
	if err != nil {
		return err
	}
	made, kept, err := build(os.DirFS(sources), images, have)
	if err != nil {
		return err
	}
	for _, name := range kept {
		fmt.Fprintf(os.Stderr, "bases: there are no sources of %s\n", name)
	}
	if !check {
		return os.WriteFile(out, made, 0o644)
	}
	if !bytes.Equal(have, made) {
		return fmt.Errorf("%s differs from what the sources in %s come to", out, sources)
	}
	return nil
}

// facts are what is known of an image, as JSON by what it is: "workdir", "user", "entrypoint", "cmd", "onbuild", "env NAME".
type facts map[string]string

// rows are the facts of images, by NAME and NAME:VERSION.
type rows map[string]facts

// build makes the table out of one that there was, and tells of which images it has no sources.
func build(sources fs.FS, list []image, was []byte) (table []byte, kept []string, err error) {
	known := read(was)
	for _, img := range list {
		err := known.add(sources, img)
		switch {
		case errors.Is(err, errNoSource):
			kept = append(kept, img.name)
		case err != nil:
			return nil, nil, err
		}
	}
	var b strings.Builder
	b.WriteString("# What every tag of some images is configured with, or every tag of a version. Made by hack/bases; do not edit.\n")
	for _, name := range slices.Sorted(maps.Keys(known)) {
		for _, what := range slices.Sorted(maps.Keys(known[name])) {
			fmt.Fprintf(&b, "%s %s %s\n", name, what, known[name][what])
		}
	}
	return []byte(b.String()), kept, nil
}

// read gives the rows of a table.
func read(table []byte) rows {
	known := rows{}
	for line := range strings.Lines(string(table)) {
		name, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if name == "#" {
			continue
		}
		at := strings.IndexByte(rest, ' ')
		if strings.HasPrefix(rest, "env ") {
			at += 1 + strings.IndexByte(rest[at+1:], ' ')
		}
		if known[name] == nil {
			known[name] = facts{}
		}
		known[name][rest[:at]] = rest[at+1:]
	}
	return known
}

// others are Dockerfiles of Windows, of which bases knows nothing.
var others = regexp.MustCompile(`windows|nanoserver`)

// errNoSource says that there is no Dockerfile of an image.
var errNoSource = errors.New("there is no Dockerfile")

// add adds the rows of an image. Some tags are built on others: of those it is known in a second round what they inherit.
func (r rows) add(sources fs.FS, img image) error {
	for _, own := range []bool{false, true} {
		every, byVersion, paths := facts(nil), rows{}, regexp.MustCompile(img.paths)
		err := eachDockerfile(sources, img, func(name, rel string) error {
			f, base, err := r.of(sources, name)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if !own && strings.HasPrefix(base, img.name+":") {
				return nil
			}
			every = common(every, f)
			if m := paths.FindStringSubmatch(rel); len(m) > 1 {
				byVersion[m[1]] = common(byVersion[m[1]], f)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if every == nil {
			return fmt.Errorf("%s: %w of %s", img.repo, errNoSource, img.name)
		}
		if !own {
			maps.DeleteFunc(r, func(name string, _ facts) bool {
				return name == img.name || strings.HasPrefix(name, img.name+":") && !strings.HasSuffix(name, ":onbuild")
			})
		}
		r[img.name] = every
		for v, f := range byVersion {
			maps.DeleteFunc(f, func(what, value string) bool {
				return every[what] == value || strings.HasPrefix(what, "env ") && what != "env PATH"
			})
			if delete(r, img.name+":"+v); len(f) > 0 {
				r[img.name+":"+v] = f
			}
		}
	}
	return nil
}

// eachDockerfile gives the Dockerfiles of an image, by their path below the sources and below the repository.
func eachDockerfile(sources fs.FS, img image, visit func(name, rel string) error) error {
	paths := regexp.MustCompile(img.paths)
	checkouts, err := fs.Glob(sources, img.repo+"*")
	if err != nil {
		return err
	}
	for _, dir := range checkouts {
		if rest := strings.TrimPrefix(dir, img.repo); rest != "" && rest[0] != '@' {
			continue
		}
		err := fs.WalkDir(sources, dir, func(p string, d fs.DirEntry, err error) error {
			rel := strings.TrimPrefix(p, dir+"/")
			if err != nil || d.IsDir() || d.Name() != "Dockerfile" && path.Ext(p) != ".dockerfile" || others.MatchString(rel) || !paths.MatchString(rel) {
				return err
			}
			if strings.Contains(rel, onbuild) != (img.paths == onbuild) {
				return nil
			}
			return visit(p, rel)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// common gives what is the same in both; nil is whatever the other is.
func common(a, b facts) facts {
	if a == nil {
		return maps.Clone(b)
	}
	maps.DeleteFunc(a, func(what, value string) bool { return b[what] != value })
	return a
}

// of gives what a Dockerfile configures, with what is known of the image that it is built on, and which that is.
func (r rows) of(sources fs.FS, name string) (out facts, base string, err error) {
	data, err := fs.ReadFile(sources, name)
	if err != nil {
		return nil, "", err
	}
	dir, err := os.MkdirTemp("", "bases-")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "Dockerfile")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return nil, "", err
	}
	plan, err := dockerfile.Compile(context.Background(), dockerfile.Options{Context: dir, Dockerfile: file, Images: r})
	if err != nil {
		return nil, "", err
	}
	base, onScratch := baseOf(plan)
	below, set, c := r.find(base), plan.ConfigSources, plan.Config
	out = facts{}
	note := func(what string, at dockerfile.Location, value any) {
		if _, inherited := below[what]; at.IsZero() && !inherited && !onScratch {
			return
		}
		text, _ := json.Marshal(value) // texts and lists of them
		out[what] = string(text)
	}
	note("workdir", set.WorkingDir, c.WorkingDir)
	note("user", set.User, c.User)
	note("entrypoint", set.Entrypoint, append([]string{}, c.Entrypoint...))
	if !set.Entrypoint.IsZero() && set.Cmd.IsZero() { // it takes away the CMD of the image below
		set.Cmd = set.Entrypoint
	}
	note("cmd", set.Cmd, append([]string{}, c.Cmd...))
	if len(c.OnBuild) > 0 {
		text, _ := json.Marshal(c.OnBuild)
		out["onbuild"] = string(text)
	}
	for _, kv := range c.Env {
		name, value, _ := strings.Cut(kv, "=")
		_, inherits := below["env PATH"]
		if at := set.Env[name]; name != "PATH" || inherits || onScratch || !strings.Contains(at.Text, "PATH}") && !strings.Contains(at.Text, "$PATH") {
			note("env "+name, at, value)
		}
	}
	return out, base, nil
}

// baseOf gives the image that the last stage is built on; onScratch tells that it is built on none.
func baseOf(plan *dockerfile.Plan) (name string, onScratch bool) {
	for ref := plan.Result; ref.Op >= 0; {
		op := plan.Ops[ref.Op]
		if op.Kind == dockerfile.OpImage {
			return op.Image.Ref, false
		}
		ref, _ = op.Parent()
	}
	return "", true
}

// find gives what is known of an image, by its reference.
func (r rows) find(ref string) facts {
	name, tag, _ := strings.Cut(ref, ":")
	out := maps.Clone(r[name])
	var versions []string
	for row := range r {
		if v, ok := strings.CutPrefix(row, name+":"); ok && (tag == v || strings.HasPrefix(tag, v+"-") || strings.HasPrefix(tag, v+".")) {
			versions = append(versions, row)
		}
	}
	slices.SortFunc(versions, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
	for _, row := range versions {
		maps.Copy(out, r[row])
	}
	return out
}

// ResolveImageConfig implements dockerfile.ImageResolver.
func (r rows) ResolveImageConfig(_ context.Context, ref, _ string) ([]byte, bool, error) {
	known := r.find(ref)
	if known == nil {
		return nil, false, nil
	}
	config := map[string]json.RawMessage{}
	var env []string
	for what, value := range known {
		name, isEnv := strings.CutPrefix(what, "env ")
		switch {
		case isEnv:
			var text string
			if err := json.Unmarshal([]byte(value), &text); err != nil {
				return nil, false, err
			}
			env = append(env, name+"="+text)
		default:
			config[map[string]string{"workdir": "WorkingDir", "user": "User", "entrypoint": "Entrypoint", "cmd": "Cmd", "onbuild": "OnBuild"}[what]] = json.RawMessage(value)
		}
	}
	slices.Sort(env)
	config["Env"], _ = json.Marshal(env)
	data, err := json.Marshal(map[string]any{"config": config})
	return data, true, err
}
