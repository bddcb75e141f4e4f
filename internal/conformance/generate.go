package conformance

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"
)

// A Scenario is a case as the generator makes it and the shrinker takes it
// apart: lists, of which every element can be left out.
type Scenario struct {
	Seed         uint64
	Index        uint64
	Material     []Step        // files, directories, links, modes
	Archives     []ArchiveSpec // sources that ADD unpacks
	Ignore       []string      // lines
	Instructions []Instruction
}

// An ArchiveSpec is an archive of the context and its entries' lines.
type ArchiveSpec struct {
	Format, Path string
	Entries      []string
}

// An Instruction is one line of a Dockerfile.
type Instruction struct {
	Name    string
	Flags   []string
	Sources []string
	Dest    string
}

func (in Instruction) String() string {
	words := append([]string{in.Name}, in.Flags...)
	words = append(words, in.Sources...)
	if in.Dest != "" {
		words = append(words, in.Dest)
	}
	return strings.Join(words, " ")
}

// Case gives the scenario in the form of a written case.
func (s *Scenario) Case() *Case {
	c := &Case{
		Name:   fmt.Sprintf("random_%d_%d", s.Seed, s.Index),
		Reason: fmt.Sprintf("Found at random, with seed %d, build %d.", s.Seed, s.Index),
		Steps:  s.Material,
	}
	var b strings.Builder
	for _, in := range s.Instructions {
		b.WriteString(in.String() + "\n")
	}
	c.Sections = append(c.Sections, txtar.File{Name: "Dockerfile", Data: []byte(b.String())})
	if len(s.Ignore) > 0 {
		c.Sections = append(c.Sections, txtar.File{Name: ".dockerignore", Data: []byte(strings.Join(s.Ignore, "\n") + "\n")})
	}
	for _, a := range s.Archives {
		c.Sections = append(c.Sections, txtar.File{
			Name: "archive " + a.Format + " " + a.Path,
			Data: []byte(strings.Join(a.Entries, "\n") + "\n"),
		})
	}
	return c
}

// Generate makes the scenario of a seed and an index: the same ones always
// give the same. Names come from a handful, so that sources, destinations,
// links and patterns meet by chance.
func Generate(seed, index uint64) *Scenario {
	g := &generator{
		Rand:     rand.New(rand.NewPCG(seed, index)),
		scenario: &Scenario{Seed: seed, Index: index},
		paths:    []string{"."},
	}
	g.tree("", 3)
	g.archive()
	g.ignore()
	g.dockerfile()
	return g.scenario
}

type generator struct {
	*rand.Rand
	scenario *Scenario
	paths    []string // what the context holds
	stages   int      // stages before the current one
	image    []string // destinations used so far, in any stage
}

// chance is true in so many percent of the calls.
func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

// pick gives one of the choices; a choice that is given twice is likelier.
func pick[T any](g *generator, choices ...T) T { return choices[g.IntN(len(choices))] }

func (g *generator) name() string {
	if g.chance(6) {
		return pick(g, ".a", "a b", "é", "a*", "[a]", "ab", "A", "a.b")
	}
	return pick(g, "a", "a", "a", "b", "b", "c")
}

func (g *generator) mode(dir bool) string {
	if dir {
		return pick(g, "755", "700", "1777", "2755", "711")
	}
	return pick(g, "644", "600", "755", "4755", "2711")
}

// tree makes the content of a directory.
func (g *generator) tree(dir string, depth int) {
	seen := make(map[string]bool)
	for range 1 + g.IntN(4) {
		name := g.name()
		if seen[name] {
			continue
		}
		seen[name] = true
		p := path.Join(dir, name)
		g.paths = append(g.paths, p)
		step := func(words ...string) { g.scenario.Material = append(g.scenario.Material, words) }
		switch n := g.IntN(100); {
		case n < 45 && depth > 0:
			step("mkdir", p)
			if g.chance(85) {
				g.tree(p, depth-1)
			}
			if g.chance(20) {
				step("chmod", g.mode(true), p)
			}
		case n < 60:
			step("symlink", p, "->", g.linkTarget())
		case n < 62:
			step("fifo", p)
		case n < 64:
			step("socket", p)
		default:
			step("write", p, strings.Repeat("x", g.IntN(9)))
			if g.chance(20) {
				step("chmod", g.mode(false), p)
			}
		}
	}
}

func (g *generator) linkTarget() string {
	target := g.randomPath()
	if g.chance(50) {
		target = pick(g, g.paths...)
	}
	return pick(g, "", "", "/", "../", "../../") + target
}

// randomPath is a path that may exist.
func (g *generator) randomPath() string {
	p := g.name()
	for g.chance(40) {
		p += "/" + g.name()
	}
	return p
}

// glob makes a pattern of a path.
func (g *generator) glob(p string) string {
	elements := strings.Split(p, "/")
	i := g.IntN(len(elements))
	elements[i] = pick(g, "*", "*", "a*", "?", "[ab]", "[^a]", "**", "*b")
	return strings.Join(elements, "/")
}

// contextPath is a path of the context, or now and then a wrong one.
func (g *generator) contextPath() string {
	p := pick(g, g.paths...)
	if g.chance(8) {
		p = g.randomPath()
	}
	return p
}

func (g *generator) archive() {
	if !g.chance(30) {
		return
	}
	a := ArchiveSpec{Format: pick(g, "plain", "gzip", "zstd", "xz"), Path: pick(g, "t", "a/t")}
	if a.Path != "t" && (!slices.Contains(g.paths, "a") || !slices.ContainsFunc(g.scenario.Material, func(s Step) bool {
		return s[0] == "mkdir" && s[1] == "a"
	})) {
		a.Path = "t" // a is no directory
	}
	for range 1 + g.IntN(5) {
		name := pick(g, "", "", "", "", "./", "../", "/") + g.randomPath()
		owner := pick(g, "0:0", "1:2", "5:5")
		switch g.IntN(10) {
		case 0, 1, 2:
			a.Entries = append(a.Entries, fmt.Sprintf("dir %s 0%s %s", quotePath(name), g.mode(true), owner))
		case 3, 4:
			a.Entries = append(a.Entries, fmt.Sprintf("symlink %s 0777 %s %s", quotePath(name), owner, quotePath(g.linkTarget())))
		case 5:
			a.Entries = append(a.Entries, fmt.Sprintf("link %s 0644 %s %s", quotePath(name), owner, quotePath(g.randomPath())))
		default:
			a.Entries = append(a.Entries, fmt.Sprintf("file %s 0%s %s %s", quotePath(name), g.mode(false), owner, strings.Repeat("y", 1+g.IntN(9))))
		}
	}
	g.scenario.Archives = append(g.scenario.Archives, a)
	g.paths = append(g.paths, a.Path)
}

func (g *generator) ignore() {
	if !g.chance(65) {
		return
	}
	for range 1 + g.IntN(5) {
		p := g.contextPath()
		if g.chance(40) {
			p = g.glob(p)
		}
		p = pick(g, "", "", "", "", "**/", "/", "*/") + p + pick(g, "", "", "", "", "/", "/**", "/*")
		if g.chance(40) {
			p = "!" + p
		}
		g.scenario.Ignore = append(g.scenario.Ignore, p)
	}
}

func (g *generator) dockerfile() {
	add := func(in Instruction) { g.scenario.Instructions = append(g.scenario.Instructions, in) }
	for stages := 1 + g.IntN(3); g.stages < stages; g.stages++ {
		base := "scratch"
		if g.stages > 0 && g.chance(40) {
			base = fmt.Sprintf("s%d", g.IntN(g.stages))
		}
		add(Instruction{Name: "FROM", Sources: []string{base, "AS", fmt.Sprintf("s%d", g.stages)}})
		for range 1 + g.IntN(4) {
			switch n := g.IntN(100); {
			case n < 10:
				add(Instruction{Name: "WORKDIR", Dest: pick(g, "/", "/", "") + strings.ReplaceAll(g.randomPath(), " ", "_")})
			case n < 14:
				add(Instruction{Name: "USER", Dest: pick(g, "0", "3", "3:4")})
			case n < 20:
				add(Instruction{Name: "ENV", Dest: pick(g, "V=", "W=") + pick(g, "a", "b", "$V")})
			case n < 24:
				add(Instruction{Name: "ARG", Dest: pick(g, "V", "V=c", "W=$V")})
			case n < 40:
				add(g.copy("ADD"))
			default:
				add(g.copy("COPY"))
			}
		}
	}
}

// copy makes a COPY or an ADD with any of its flags.
func (g *generator) copy(name string) Instruction {
	in := Instruction{Name: name}
	flag := func(percent int, flags ...string) bool {
		if !g.chance(percent) {
			return false
		}
		in.Flags = append(in.Flags, pick(g, flags...))
		return true
	}
	fromStage := name == "COPY" && g.stages > 0 && g.chance(50)
	if fromStage {
		in.Flags = append(in.Flags, fmt.Sprintf("--from=s%d", g.IntN(g.stages)))
	}
	flag(20, "--chown=1:2", "--chown=5", "--chown=:7", "--chown=0")
	flag(20, "--chmod=700", "--chmod=4755", "--chmod=1640", "--chmod=u+s", "--chmod=go-rX", "--chmod=a=r", "--chmod=g=u,o+w")
	flag(20, "--link")
	if name == "COPY" {
		flag(20, "--parents")
	} else {
		flag(10, "--unpack", "--unpack=false")
	}
	for flag(12, "--exclude="+g.excludePattern()) {
	}
	for len(in.Sources) == 0 || g.chance(25) {
		source := g.contextPath()
		if fromStage && len(g.image) > 0 && g.chance(80) {
			source = pick(g, g.image...)
		}
		if name == "ADD" && len(g.scenario.Archives) > 0 && g.chance(50) {
			source = g.scenario.Archives[0].Path
		}
		if g.chance(15) && source != "." {
			source = g.glob(source)
		}
		if g.chance(10) && strings.Contains(source, "/") {
			source = strings.Replace(source, "/", "/./", 1) // a pivot
		}
		in.Sources = append(in.Sources, pick(g, "", "", "", "/", "./")+source+pick(g, "", "", "", "", "/"))
	}
	in.Dest = pick(g, "/", "/", "/", "", "/a/", "$V/") + g.randomPath()
	if g.chance(20) {
		in.Dest = pick(g, "/", ".", "./", "/a", "/b", "../b")
	}
	if len(in.Sources) > 1 && g.chance(85) || g.chance(40) {
		in.Dest = strings.TrimSuffix(in.Dest, "/") + "/"
	}
	g.image = append(g.image, strings.Trim(path.Join("/", in.Dest), "/"))
	if g.image[len(g.image)-1] == "" {
		g.image[len(g.image)-1] = "."
	}
	return in.withoutBlanks()
}

func (g *generator) excludePattern() string {
	p := g.name()
	if g.chance(40) {
		p = g.glob(p)
	}
	return strings.ReplaceAll(pick(g, "", "", "", "**/", "!", "a/")+p, " ", "_")
}

// withoutBlanks takes the blanks out of an instruction's words. Quotes do not
// hold words together (the JSON form does, which takes no part here).
func (in Instruction) withoutBlanks() Instruction {
	for i := range in.Sources {
		in.Sources[i] = strings.ReplaceAll(in.Sources[i], " ", "?")
	}
	in.Dest = strings.ReplaceAll(in.Dest, " ", "_")
	return in
}
