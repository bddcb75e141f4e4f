package command

import (
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/document"
	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// file gives what a file holds; ok is false if that is not known, absent tells that it surely is not there.
func (p *print) file(name string) (text string, ok, absent bool) {
	text, ok = p.call.run.Read(name)
	return text, ok, !ok && p.call.run.Stat(name) == shell.Absent
}

// tsc writes to the outDir of its configuration or, without one, beside the sources.
func (p *print) tsc(o Options) {
	if o.Has("-b", "--build", "--watch", "-w") || p.dir == "" {
		p.add(here, o)
		return
	}
	p.below("*.tsbuildinfo")
	if o.Has("--noEmit", "--outDir", "--outFile", "--version", "-v", "--init") {
		return
	}
	config := path.Join(p.dir, "tsconfig.json")
	if given, ok := o.Last("-p", "--project"); ok {
		if config = p.call.S.Abs(given.Text); path.Ext(config) != ".json" {
			config = path.Join(config, "tsconfig.json")
		}
	}
	if _, _, absent := p.file(config); absent && len(o.Operands) == 0 {
		return // it ends with its usage
	}
	if len(o.Operands) > 0 || !p.tsconfigOut(config, "outDir") {
		p.add(here, o)
	}
	p.tsconfigOut(config, "declarationDir")
	p.tsconfigOut(config, "tsBuildInfoFile")
}

// maxExtends bounds how far configurations are followed that extend each other.
const maxExtends = 8

// tsconfigOut adds what a setting of a tsconfig.json, or of one that it extends, names. It reports whether it does, or nothing is written.
func (p *print) tsconfigOut(file, setting string) bool {
	for range maxExtends {
		text, ok, _ := p.file(file)
		doc, err := document.JSON([]byte(text))
		if !ok || err != nil {
			return false
		}
		options := doc.Get("compilerOptions")
		if dir := options.Str(setting); dir != "" {
			if strings.Contains(dir, "${") {
				return false
			}
			p.path(path.Join(path.Dir(file), dir))
			return true
		}
		if options.Get("noEmit").Is() && options.Str("noEmit") == "true" {
			return true
		}
		next := doc.Str("extends")
		if !strings.HasPrefix(next, ".") {
			return false
		}
		if file = path.Join(path.Dir(file), next); path.Ext(file) != ".json" {
			file += ".json"
		}
	}
	return false
}

// nest writes where the compiler does, by its own configuration or that of the project.
func (p *print) nest(o Options) {
	p.below("dist")
	p.below("*.tsbuildinfo")
	for _, name := range []string{"tsconfig.build.json", "tsconfig.json"} {
		file := path.Join(p.dir, name)
		if _, ok, absent := p.file(file); ok || !absent {
			if !p.tsconfigOut(file, "outDir") {
				p.add(here, o)
			}
			return
		}
	}
	p.add(here, o)
}

var outDir = regexp.MustCompile(`\b(?:outDir|distDir)\s*:\s*(?:['"]([^'"]+)['"])?`)

// config adds the directories that a configuration names for the output. One that is not plain may do anything. It gives its text.
func (p *print) config(name, plugins string, o Options) (text string, plain bool) {
	c, found := NodeConfigOf(printed{p}, p.dir, name)
	if !found {
		return "", true
	}
	plain = c.Plain(plugins) && !strings.Contains(c.Text, "root:")
	for _, m := range outDir.FindAllStringSubmatch(c.Text, -1) {
		if m[1] != "" {
			p.path(path.Join(p.dir, m[1]))
		}
		plain = plain && m[1] != ""
	}
	if !plain {
		p.add(anything, o)
	}
	return c.Text, plain
}

// printed are the files that a footprint reads.
type printed struct{ *print }

func (f printed) Stat(name string) shell.FileKind { return f.call.run.Stat(name) }

func (f printed) Read(name string) ([]byte, error) {
	text, ok := f.call.run.Read(name)
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(text), nil
}

// vite writes to dist unless its configuration says otherwise.
func (p *print) vite(o Options) {
	if o.Has("-c", "--config") {
		p.add(anything, o)
		return
	}
	p.config("vite.config", VitePlugins, o)
}

// next writes to .next unless its configuration says otherwise. The program that stands alone is there only if it is asked for.
func (p *print) next(o Options) {
	text, plain := p.config("next.config", NextPlugins, o)
	if !plain || strings.Contains(text, "standalone") || strings.Contains(text, "...") {
		p.below(".next")
		return
	}
	for _, name := range []string{".next/[^s]*", ".next/se*", ".next/static"} {
		p.below(name)
	}
}

// angular writes to where its workspace says.
func (p *print) angular(o Options) {
	text, ok, _ := p.file(path.Join(p.dir, "angular.json"))
	doc, err := document.JSON([]byte(text))
	if !ok || err != nil {
		p.add(anything, o)
		return
	}
	for _, project := range doc.Get("projects").All() {
		for _, targets := range []string{"architect", "targets"} {
			build := project.Get(targets, "build")
			p.angularOutput(build.Get("options"))
			for _, configuration := range build.Get("configurations").All() {
				p.angularOutput(configuration)
			}
		}
	}
}

// angularOutput adds the directory that options of a build name.
func (p *print) angularOutput(options *document.Node) {
	out := options.Get("outputPath")
	if base := out.Get("base"); base != nil {
		out = base
	}
	if out.Is() && out.Text != "" {
		p.path(path.Join(p.dir, out.Text))
	}
}

var (
	generator = regexp.MustCompile(`(?s)\bgenerator\s+\w+\s*\{(.*?)\}`)
	provider  = regexp.MustCompile(`\bprovider\s*=\s*"([^"]*)"`)
	output    = regexp.MustCompile(`\boutput\s*=\s*(?:"([^"]+)")?`)
)

// prisma writes each client to where the schema says, by default among the packages. Where the schema is not known, or has generators that
// are not prisma's own, nobody knows.
func (p *print) prisma(o Options) {
	schema := path.Join(p.dir, "prisma/schema.prisma")
	if given, ok := o.Last("--schema"); ok {
		schema = p.call.S.Abs(given.Text)
	} else if _, _, absent := p.file(schema); absent {
		schema = path.Join(p.dir, "schema.prisma")
	}
	text, ok, _ := p.file(schema)
	for _, ext := range nodeEndings {
		if _, _, absent := p.file(path.Join(p.dir, "prisma.config"+ext)); !absent && !o.Has("--schema") {
			ok = false
		}
	}
	for _, g := range generator.FindAllStringSubmatch(text, -1) {
		by, to := provider.FindStringSubmatch(g[1]), output.FindStringSubmatch(g[1])
		ok = ok && by != nil && strings.HasPrefix(by[1], "prisma-client") && (to == nil || to[1] != "")
		if to != nil && to[1] != "" {
			p.path(path.Join(path.Dir(schema), to[1]))
		}
	}
	if !ok {
		p.add(anything, o)
	}
}
