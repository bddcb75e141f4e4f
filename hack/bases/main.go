// Command bases makes the table of what official images are configured with, out of the Dockerfiles that they are built from.
//
//	bases -sources DIR            writes internal/bases/official.txt
//	bases -sources DIR -check     compares it, and fails if it differs
//
// DIR has a checkout of repositories of the list below, as OWNER/REPO; more of the same repository, of other times, stand beside it
// as OWNER/REPO@ANYTHING. A row holds of every Dockerfile of the image, so that it holds of all tags; where versions differ, of every
// Dockerfile of a version, or of a word that tags have. Rows of images whose repository is absent are kept, and printed. The checkouts of
// which the table was made are those of each half year since 2019; what older tags have may be another.
//
// What told.txtar says of other images is looked for in their sources, and a Dockerfile that puts something where internal/bases says that
// its image holds nothing is an error.
package main

import (
	"bytes"
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
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/bases"
)

// image is an image, and the Dockerfiles that its tags are built from: those of a repository whose paths match. A group of the pattern is
// the version, which tags begin with; one that is called word is what tags have in them that are built from it.
type image struct{ name, repo, paths string }

// images come after those that they are built on.
var images = []image{
	{"docker.io/library/alpine", "alpinelinux/docker-alpine", `^v(3\.\d+)/x86_64/`},
	{"docker.io/library/debian", "debuerreotype/docker-debian-artifacts", `^([a-z]+)/(?:slim/)?Dockerfile$`},
	{"docker.io/library/ubuntu", "tianon/docker-brew-ubuntu-core", ``},
	{"docker.io/library/busybox", "docker-library/busybox", ``},
	{"docker.io/library/buildpack-deps", "docker-library/buildpack-deps", `^(?:debian/|ubuntu/|)([a-z]+)/`},
	{"docker.io/library/python", "docker-library/python", numbered},
	{"docker.io/library/golang", "docker-library/golang", numbered},
	{"docker.io/library/node", "nodejs/docker-node", numbered},
	{"docker.io/library/rust", "rust-lang/docker-rust", `^(?:\d|stable/)`},
	{"docker.io/library/ruby", "docker-library/ruby", numbered},
	{"docker.io/library/php", "docker-library/php", `^(\d+\.\d+)(?:-rc)?/[a-z\d.]+/(?:(?P<word>fpm|apache|zts)|cli)/`},
	{"docker.io/library/openjdk", "docker-library/openjdk", numbered},
	{"docker.io/library/eclipse-temurin", "adoptium/containers", numbered},
	{"docker.io/library/amazoncorretto", "corretto/corretto-docker", numbered},
	{"docker.io/library/tomcat", "docker-library/tomcat", numbered},
	{"docker.io/library/maven", "carlossg/docker-maven", `temurin|openjdk|corretto`},
	{"docker.io/library/gradle", "keeganwitt/docker-gradle", `^jdk`},
	{"docker.io/library/nginx", "nginxinc/docker-nginx", `^(?:mainline|stable)/`},
	{"docker.io/nginxinc/nginx-unprivileged", "nginxinc/docker-nginx-unprivileged", `^(?:mainline|stable)/`},
	{"docker.io/library/httpd", "docker-library/httpd", `^2`},
	{"docker.io/library/caddy", "caddyserver/caddy-docker", `^(?:[\d.]+/)?(?:alpine|(?P<word>builder))/`},
	{"docker.io/library/redis", "docker-library/redis", numbered},
	{"docker.io/library/valkey", "valkey-io/valkey-container", numbered},
	{"docker.io/library/pypy", "docker-library/pypy", numbered},
	{"docker.io/library/perl", "Perl/docker-perl", `^5`},
	{"docker.io/library/erlang", "erlang/docker-erlang-otp", numbered},
	{"docker.io/library/elixir", "c0b/docker-elixir", `^(\d+\.\d+)/`},
	{"docker.io/library/postgres", "docker-library/postgres", numbered},
	{"docker.io/library/mysql", "docker-library/mysql", `^[\d.]+/Dockerfile\.(?:debian|oracle)$`},
	{"docker.io/library/mongo", "docker-library/mongo", numbered},
	{"docker.io/library/composer", "composer/docker", ``},
	{"docker.io/library/wordpress", "docker-library/wordpress", `^(?:latest/|beta/)?(?:(?P<word>cli)/)?php[\d.]+/(?:apache|(?P<word>fpm)[-a-z]*|alpine)/`},
	{"docker.io/library/nextcloud", "nextcloud/docker", `^[\d.]+/(?:apache|(?P<word>fpm)[-a-z]*)/`},
	{"docker.io/denoland/deno", "denoland/deno_docker", ``},
	{"docker.io/oven/bun", "oven-sh/bun", `^dockerhub/(?:debian|debian-slim|alpine|(?P<word>distroless))/`},
	{"docker.io/tiangolo/uvicorn-gunicorn", "tiangolo/uvicorn-gunicorn-docker", `(python3\.\d+)`},
	{"docker.io/tiangolo/uvicorn-gunicorn-fastapi", "tiangolo/uvicorn-gunicorn-fastapi-docker", `(python3\.\d+)`},
	{"mcr.microsoft.com/dotnet/runtime-deps", "dotnet/dotnet-docker", `^src/runtime-deps/` + dotnet},
	{"mcr.microsoft.com/dotnet/runtime", "dotnet/dotnet-docker", `^src/runtime/` + dotnet},
	{"mcr.microsoft.com/dotnet/aspnet", "dotnet/dotnet-docker", `^src/aspnet/` + dotnet},
	{"mcr.microsoft.com/dotnet/sdk", "dotnet/dotnet-docker", `^src/sdk/` + dotnet},
	{"public.ecr.aws/lambda/*", "aws/aws-lambda-base-images", `Dockerfile\.`},
	{"registry.access.redhat.com/ubi*/s2i-core", "sclorg/s2i-base-container", `^core/Dockerfile\.rhel(?:8|9|10)$`},
	{"registry.access.redhat.com/ubi*/s2i-base", "sclorg/s2i-base-container", `^base/Dockerfile\.rhel(?:8|9|10)$`},
	{"registry.access.redhat.com/ubi*/python-*", "sclorg/s2i-python-container", `Dockerfile\.rhel(?:8|9|10)$`},
	{"registry.access.redhat.com/ubi*/nodejs-*", "sclorg/s2i-nodejs-container", `Dockerfile\.rhel(?:8|9|10)$`},
	// Of tags that run the build of whoever builds on them there have been no new ones since 2019.
	{"docker.io/library/python:onbuild", "docker-library/python", onbuild},
	{"docker.io/library/node:onbuild", "nodejs/docker-node", onbuild},
	{"docker.io/library/ruby:onbuild", "docker-library/ruby", onbuild},
	{"docker.io/library/golang:onbuild", "docker-library/golang", onbuild},
}

const (
	// numbered is a path that begins with a version.
	numbered = `^(\d+(?:\.\d+)*)(?:$|[-/])`
	// dotnet is a path of .NET images: some are built without a distribution.
	dotnet = `(\d+\.\d+)/(?:[^/]*-(?P<word>chiseled|distroless)[^/]*|[^/]*(?P<word>azurelinux|mariner)[^/]*|[^/]*)/`
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
	made, kept, err := build(os.DirFS(sources), images, txtar.Parse(told), have)
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

// build makes the table out of one that there was, and tells of which images it has no sources.
func build(sources fs.FS, list []image, archive *txtar.Archive, was []byte) (table []byte, kept []string, err error) {
	known := bases.ReadTable(string(was))
	if kept, err = addTold(known, sources, archive); err != nil {
		return nil, nil, err
	}
	for _, img := range list {
		err := add(known, sources, img)
		switch {
		case errors.Is(err, errNoSource):
			kept = append(kept, img.name)
		case err != nil:
			return nil, nil, err
		}
	}
	return []byte(known.String()), kept, nil
}

// others are Dockerfiles of Windows, of which bases knows nothing.
var others = regexp.MustCompile(`windows|nanoserver`)

// checksum is one, or the fingerprint of a key.
var checksum = regexp.MustCompile(`^[\dA-Fa-f]{32,}$`)

// errNoSource says that there is no Dockerfile of an image.
var errNoSource = errors.New("there is no Dockerfile")

// add makes the rows of an image. Some tags are built on others: of those it is known in a second round what they inherit.
func add(known bases.Table, sources fs.FS, img image) error {
	for _, own := range []bool{false, true} {
		made, every, paths := bases.Table{}, bases.Facts(nil), regexp.MustCompile(img.paths)
		err := eachDockerfile(sources, img, func(name, rel string) error {
			data, err := fs.ReadFile(sources, name)
			if err != nil {
				return err
			}
			m, ref := paths.FindStringSubmatch(rel), img.name
			if i := paths.SubexpIndex("word"); i > 0 && m[i] != "" {
				ref += ":" + m[i]
			}
			f, base, err := of(known, ref, data)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if !own && strings.HasPrefix(base, img.name+":") {
				return nil
			}
			every = common(every, f)
			var word string
			for i, group := range paths.SubexpNames() {
				switch {
				case group == "word":
					word += m[i]
				case i > 0 && m[i] != "":
					made[img.name+":"+m[i]] = common(made[img.name+":"+m[i]], f)
				}
			}
			if row := strings.TrimSuffix(img.name+":*-"+word, "-"); paths.SubexpIndex("word") > 0 {
				made[row] = common(made[row], f)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if every == nil {
			return fmt.Errorf("%s: %w of %s", img.repo, errNoSource, img.name)
		}
		maps.DeleteFunc(known, func(row string, _ bases.Facts) bool {
			return row == img.name || strings.HasPrefix(row, img.name+":") && !strings.HasSuffix(row, ":onbuild")
		})
		known[img.name] = every
		for row, f := range made {
			if !strings.Contains(row, ":*") { // a word without a row would be none
				maps.DeleteFunc(f, func(what, value string) bool {
					return every[what] == value || strings.HasPrefix(what, "env ") && what != "env PATH" && !shared(made, row, what)
				})
			}
			if len(f) > 0 {
				known[row] = f
			}
		}
	}
	return nil
}

// shared reports whether what a version sets is what another one sets, too: it is none of a release then, as its number is, or a checksum.
func shared(made bases.Table, row, what string) bool {
	for other, f := range made {
		if value, ok := f[what]; ok && other != row && !strings.Contains(other, ":*") && value == made[row][what] {
			return true
		}
	}
	return false
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
			if err != nil || d.IsDir() || d.Name() != "Dockerfile" && path.Ext(p) != ".dockerfile" && !strings.Contains(img.paths, "Dockerfile") || others.MatchString(rel) || !paths.MatchString(rel) {
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
func common(a, b bases.Facts) bases.Facts {
	if a == nil {
		return maps.Clone(b)
	}
	maps.DeleteFunc(a, func(what, value string) bool { return b[what] != value })
	return a
}

// of gives what a Dockerfile configures, with what is known of the image that it is built on, and which that is.
func of(known bases.Table, ref string, data []byte) (out bases.Facts, base string, err error) {
	dir, err := os.MkdirTemp("", "bases-")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "Dockerfile")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return nil, "", err
	}
	plan, err := dockerfile.Compile(context.Background(), dockerfile.Options{Context: dir, Dockerfile: file, Images: resolver{known}})
	if err != nil {
		return nil, "", err
	}
	if more := outside(ref, plan); len(more) > 0 {
		return nil, "", fmt.Errorf("internal/bases says that %s holds nothing at %s", ref, strings.Join(more, ", "))
	}
	base, onScratch := baseOf(plan)
	below, set, c := resolver{known}.find(base), plan.ConfigSources, plan.Config
	out = bases.Facts{}
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
		if checksum.MatchString(value) {
			continue // of a release
		}
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

// resolver gives the settings of the images that others are built on.
type resolver struct{ bases.Table }

// ResolveImageConfig implements dockerfile.ImageResolver.
func (r resolver) ResolveImageConfig(_ context.Context, ref, _ string) ([]byte, bool, error) {
	known := r.find(ref)
	if known == nil {
		return nil, false, nil
	}
	return known.Config(), true, nil
}

// find knows images, too, by the names that only their vendors use.
func (r resolver) find(ref string) bases.Facts {
	for theirs, ours := range map[string]string{"docker.io/ubi": "registry.access.redhat.com/ubi", "ubuntu.azurecr.io/": "docker.io/library/"} {
		if rest, ok := strings.CutPrefix(ref, theirs); ok {
			ref = ours + rest
		}
	}
	return r.Find(ref)
}
