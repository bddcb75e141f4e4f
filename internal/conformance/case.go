package conformance

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/tools/txtar"

	"github.com/ctxaudit/ctxaudit/internal/imagetest"
)

// A Case is one build with the reason why it is worth comparing.
//
// It is written as a txtar archive. The comment above the first section is the
// reason. A section is a file of the build context, with four exceptions:
//
//	-- case --             directives, one a line (see below)
//	-- @NAME/PATH --       a file of the directory NAME beside the context
//	-- archive FORMAT PATH --  entries of an archive (see imagetest.Archive)
//	-- base NAME --        a base image that FROM and COPY --from name (see imagetest.Image)
//
// Directives that describe the build:
//
//	target NAME, platform NAME, file PATH
//	git DIR                the context is fetched from git, of which DIR is the
//	                       directory ("." for the root); what .gitignore
//	                       matches is not in it
//	build-arg NAME=VALUE, build-context NAME=SOURCE
//	fails TEXT             BuildKit refuses the build, and says TEXT
//	differs REASON         the prediction is known to be wrong, and why;
//	                       the case fails as soon as it is right
//
// The remaining directives make what an archive of text cannot hold, in order
// and after all the sections (see material.go). A word in Go's double quotes
// may hold blanks, newlines and bytes that are no text. Whatever is not known
// is an error.
type Case struct {
	Name   string
	Reason string
	Target string
	File   string
	// BuildArgs and BuildContexts are NAME=VALUE, in the order of the file.
	BuildArgs     []string
	BuildContexts []string
	Platform      string
	Git           string // "" for a context that is a directory
	Fails         string // "" for a build that succeeds
	Differs       string // "" for a prediction that is right
	Sections      []txtar.File
	Steps         []Step
}

// A Step is a directive that makes something in the case's directory.
type Step []string

// contextDir is the build context's directory within a case's.
const contextDir = "context"

// ParseCase reads a case.
func ParseCase(name string, data []byte) (*Case, error) {
	archive := txtar.Parse(data)
	c := &Case{Name: name, Reason: strings.TrimSpace(string(archive.Comment))}
	if c.Reason == "" {
		return nil, fmt.Errorf("parsing case %s: no reason above the first section", name)
	}
	seen := make(map[string]bool)
	for _, section := range archive.Files {
		if seen[section.Name] {
			return nil, fmt.Errorf("parsing case %s: two sections %q", name, section.Name)
		}
		seen[section.Name] = true
		if section.Name != "case" {
			c.Sections = append(c.Sections, section)
			continue
		}
		for i, line := range strings.Split(string(section.Data), "\n") {
			if err := c.directive(line); err != nil {
				return nil, fmt.Errorf("parsing case %s, directive %d: %w", name, i+1, err)
			}
		}
	}
	return c, nil
}

// directive reads one line of the case section.
func (c *Case) directive(line string) error {
	words, err := imagetest.Words(line)
	if err != nil {
		return err
	}
	if len(words) == 0 || strings.HasPrefix(words[0], "#") {
		return nil
	}
	name, args := words[0], words[1:]
	one := func(to *string) error {
		if len(args) != 1 || *to != "" {
			return fmt.Errorf("%s wants one word, once", name)
		}
		*to = args[0]
		return nil
	}
	sentence := func(to *string) error {
		if *to = strings.Join(args, " "); *to == "" {
			return fmt.Errorf("%s wants a text", name)
		}
		return nil
	}
	switch name {
	case "target":
		return one(&c.Target)
	case "file":
		return one(&c.File)
	case "platform":
		return one(&c.Platform)
	case "git":
		return one(&c.Git)
	case "fails":
		return sentence(&c.Fails)
	case "differs":
		return sentence(&c.Differs)
	case "build-arg", "build-context":
		var pair string
		if err := one(&pair); err != nil {
			return err
		}
		if !strings.Contains(pair, "=") {
			return fmt.Errorf("%s wants NAME=VALUE", name)
		}
		if name == "build-arg" {
			c.BuildArgs = append(c.BuildArgs, pair)
		} else {
			c.BuildContexts = append(c.BuildContexts, pair)
		}
		return nil
	}
	step := Step(words)
	if err := step.check(); err != nil {
		return err
	}
	c.Steps = append(c.Steps, step)
	return nil
}

// Materialize makes the case's files in an empty directory.
func (c *Case) Materialize(dir string) (*Request, error) {
	if err := os.Mkdir(filepath.Join(dir, contextDir), 0o755); err != nil {
		return nil, fmt.Errorf("making the context: %w", err)
	}
	bases := map[string]string{}
	for _, section := range c.Sections {
		name, isBase := strings.CutPrefix(section.Name, "base ")
		var err error
		if isBase {
			bases[name], err = writeBase(dir, name, string(section.Data))
		} else {
			err = writeSection(dir, section)
		}
		if err != nil {
			return nil, fmt.Errorf("making %s: %w", section.Name, err)
		}
	}
	for _, step := range c.Steps {
		if err := step.apply(dir); err != nil {
			return nil, fmt.Errorf("doing %q: %w", []string(step), err)
		}
	}
	r := &Request{
		Context:       filepath.Join(dir, contextDir),
		Target:        c.Target,
		Platform:      c.Platform,
		BuildArgs:     pairs(c.BuildArgs),
		BuildContexts: pairs(c.BuildContexts),
		Git:           c.Git,
		Bases:         bases,
	}
	if c.Git != "" {
		if err := commit(r.Context); err != nil {
			return nil, err
		}
	}
	if c.File != "" {
		r.Dockerfile = place(dir, c.File)
	}
	for name, source := range r.BuildContexts {
		if !strings.Contains(source, "://") {
			r.BuildContexts[name] = place(dir, source)
		}
	}
	return r, nil
}

func pairs(list []string) map[string]string {
	m := make(map[string]string, len(list))
	for _, pair := range list {
		name, value, _ := strings.Cut(pair, "=")
		m[name] = value
	}
	return m
}

// place is where a name of a case lies: in the context, or for @NAME beside it.
func place(dir, name string) string {
	if beside, ok := strings.CutPrefix(name, "@"); ok {
		return filepath.Join(dir, beside)
	}
	return filepath.Join(dir, contextDir, name)
}

func writeSection(dir string, section txtar.File) error {
	name, data := section.Name, section.Data
	if rest, ok := strings.CutPrefix(name, "archive "); ok {
		format, path, ok := strings.Cut(rest, " ")
		if !ok {
			return fmt.Errorf("an archive wants a format and a path")
		}
		var err error
		if data, err = imagetest.Archive(format, string(data)); err != nil {
			return err
		}
		name = path
	}
	return writeFile(place(dir, name), data)
}

// writeBase writes a base image as a layout.
func writeBase(dir, name, text string) (layout string, err error) {
	image, err := imagetest.Image(text)
	if err != nil {
		return "", err
	}
	layout = filepath.Join(dir, "bases", name)
	if err := os.MkdirAll(filepath.Dir(layout), 0o755); err != nil {
		return "", err
	}
	return layout, imagetest.Write("layout", layout, map[string]v1.Image{"docker.io/library/" + name + ":latest": image})
}

// writeFile writes a file and the directories above it.
func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// Format writes a case as [ParseCase] reads it.
func (c *Case) Format() []byte {
	var b strings.Builder
	line := func(name string, words ...string) {
		b.WriteString(name)
		for _, word := range words {
			b.WriteString(" " + quotePath(word))
		}
		b.WriteString("\n")
	}
	option := func(name, value string) {
		if value != "" {
			line(name, value)
		}
	}
	option("target", c.Target)
	option("file", c.File)
	option("platform", c.Platform)
	option("git", c.Git)
	option("fails", c.Fails)
	option("differs", c.Differs)
	for _, pair := range c.BuildArgs {
		line("build-arg", pair)
	}
	for _, pair := range c.BuildContexts {
		line("build-context", pair)
	}
	for _, step := range c.Steps {
		line(step[0], step[1:]...)
	}
	archive := &txtar.Archive{Comment: []byte(c.Reason + "\n\n")}
	if b.Len() > 0 {
		archive.Files = append(archive.Files, txtar.File{Name: "case", Data: []byte(b.String())})
	}
	archive.Files = append(archive.Files, c.Sections...)
	return txtar.Format(archive)
}

// LoadCases reads every case below a directory, sorted by name: the path
// without its extension. A directory without a case, and a file that is none,
// are errors: either would be a test that tests nothing.
func LoadCases(dir string) ([]*Case, error) {
	var cases []*Case
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name, ok := strings.CutSuffix(filepath.ToSlash(name), ".txtar")
		if !ok {
			return fmt.Errorf("%s is no case: its name does not end in .txtar", path)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		c, err := ParseCase(name, data)
		if err != nil {
			return err
		}
		cases = append(cases, c)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("loading cases: %w", err)
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("loading cases: none in %s", dir)
	}
	slices.SortFunc(cases, func(a, b *Case) int { return cmp.Compare(a.Name, b.Name) })
	return cases, checkDuplicates(cases)
}

// checkDuplicates refuses two cases that build the same: the second one was
// copied and then forgotten. Names cannot be equal, they are paths.
func checkDuplicates(cases []*Case) error {
	seen := make(map[string]string)
	for _, c := range cases {
		content := *c
		content.Name, content.Reason, content.Differs = "", "x", ""
		key := string(content.Format())
		if other, ok := seen[key]; ok {
			return fmt.Errorf("loading cases: %s and %s are the same build", other, c.Name)
		}
		seen[key] = c.Name
	}
	return nil
}
