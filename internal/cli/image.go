package cli

import (
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/report"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

func (a *app) imageCommand() *cobra.Command {
	return group("image", "Show the image that a build would produce",
		a.imageListCommand("ls", "List the files of the predicted image"),
		a.imageListCommand("tree", "Show the files of the predicted image as a tree"),
		a.imageConfigCommand())
}

// imageConfig is the image configuration as the JSON contract has it.
type imageConfig struct {
	Env        []string `json:"env"`
	Workdir    string   `json:"workdir"`
	User       string   `json:"user"`
	Cmd        []string `json:"cmd"`
	Entrypoint []string `json:"entrypoint"`

	ExposedPorts []string                  `json:"exposedPorts,omitempty"`
	Labels       map[string]string         `json:"labels,omitempty"`
	Volumes      []string                  `json:"volumes,omitempty"`
	StopSignal   string                    `json:"stopSignal,omitempty"`
	Shell        []string                  `json:"shell,omitempty"`
	Sources      map[string]*finding.Place `json:"sources,omitempty"`
}

func newImageConfig(c dockerfile.Config) imageConfig {
	orEmpty := func(s []string) []string {
		if s == nil {
			return []string{}
		}
		return s
	}
	return imageConfig{
		Env: orEmpty(c.Env), Workdir: c.WorkingDir, User: c.User, Cmd: orEmpty(c.Cmd), Entrypoint: orEmpty(c.Entrypoint),
		ExposedPorts: slices.Sorted(maps.Keys(c.ExposedPorts)), Labels: c.Labels, Volumes: slices.Sorted(maps.Keys(c.Volumes)),
		StopSignal: c.StopSignal, Shell: c.Shell,
	}
}

func (a *app) imageListCommand(use, short string) *cobra.Command {
	var f buildFlags
	var provenance bool
	cmd := &cobra.Command{
		Use: use + " [CONTEXT]", Short: short, Args: maxOneArg,
		Long: short + `: what BuildKit would put into it, with type, mode, owner and size.

Nothing is run. Listed are the files that are copied, those that a RUN step certainly creates,
and those of the base image if it is available (--base, or 'ctxaudit base pull'). The files of
any other base image, and whatever else a step may do, are unknown and not listed; the
assumptions are, on standard error or in JSON. JSON marks each file as "certain", or as "unsure"
if a step may have removed it, and lists where there may be more files, each with its
instruction, as "possible".`,
		Example: fmt.Sprintf("  ctxaudit image %[1]s .\n  ctxaudit image %[1]s --provenance --target base .\n  ctxaudit image %[1]s --format json -f Dockerfile .", use),
	}
	f.register(cmd)
	cmd.Flags().BoolVar(&provenance, "provenance", false, "show the instruction and the source of every entry")
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		form, err := format()
		if err != nil {
			return err
		}
		opt, err := a.options(cmd, &f, args)
		if err != nil {
			return err
		}
		image, err := simulate.Build(cmd.Context(), opt)
		if err != nil {
			return a.refused(err, form == "json")
		}
		defer frugal()()
		if err := image.Read(cmd.Context()); err != nil {
			return a.refused(err, form == "json")
		}
		each := func(fn func(report.ImageEntry) error) error { return eachImageEntry(image, provenance, fn) }
		assumptions := append(audit.Assumptions(image, image.Opaque), audit.Bases(image)...)
		if form == "json" {
			out := newJSONWriter(a.out)
			if err := each(func(e report.ImageEntry) error { return out.write(e) }); err != nil {
				return err
			}
			possible, err := possibleEntries(image)
			if err != nil {
				return a.refused(err, true)
			}
			return out.closeWith(struct {
				Possible    []report.Possible    `json:"possible"`
				Config      imageConfig          `json:"config"`
				Assumptions []finding.Assumption `json:"assumptions"`
			}{possible, newImageConfig(image.Plan.Config), assumptions})
		}
		a.tellAssumptions(assumptions)
		if use == "tree" {
			var entries []report.ImageEntry
			if err := each(func(e report.ImageEntry) error { entries = append(entries, e); return nil }); err != nil {
				return err
			}
			return report.ImageTree(a.out, "/", entries, a.style())
		}
		return report.ImageList(a.out, each, a.style())
	}
	return cmd
}

// possibleEntries gives where an image may hold more than is listed.
func possibleEntries(m *simulate.Image) ([]report.Possible, error) {
	list, err := m.Possible()
	out := make([]report.Possible, len(list))
	for i, p := range list {
		out[i] = report.Possible{Path: p.Path, PathBytes: report.EncodePath(p.Path)}
		if p.By != nil {
			out[i].By = fmt.Sprintf("%s:%d", p.By.Location.File, p.By.Location.Range.Start.Line)
		}
	}
	return out, err
}

// tellAssumptions says on standard error what a listing leaves out.
func (a *app) tellAssumptions(list []finding.Assumption) {
	for _, as := range list {
		if as.Kind == "directory" || as.Kind == finding.AssumedBase {
			a.tellf("assumed: %s (%s:%d %s)", as.Meaning, as.File, as.Line, as.Text)
			continue
		}
		a.tellf("not listed: what %s:%d %s adds or removes", as.File, as.Line, as.Text)
	}
}

// eachImageEntry hands over the known files of an image, sorted by path. They are made one by one: an image may hold a
// million files, and all that the build transfers was read, so that no error comes in the middle.
func eachImageEntry(m *simulate.Image, provenance bool, fn func(report.ImageEntry) error) error {
	// A pointer into a node would keep the whole node.
	ids := map[uint32]*uint32{}
	shared := func(id uint32) *uint32 {
		if ids[id] == nil {
			ids[id] = &id
		}
		return ids[id]
	}
	modes := map[uint16]string{}
	unsure := map[string]bool{} // directories
	return m.Tree.List(func(p string, n *rootfs.Node) error {
		if n.Kind == rootfs.KindUnknown || m.Supposed(n) {
			return nil
		}
		if modes[n.Perm] == "" {
			modes[n.Perm] = fmt.Sprintf("%04o", n.Perm)
		}
		maybe := n.Unsure || len(unsure) > 0 && unsure[path.Dir(p)]
		if maybe && n.IsDir() {
			unsure[p] = true
		}
		e := report.ImageEntry{
			Path: p, PathBytes: report.EncodePath(p), Type: n.Kind.String(), Mode: modes[n.Perm],
			User: n.Owner.User, Group: n.Owner.Group, Size: n.Size, Link: n.Link,
			SizeUnknown: n.Kind == rootfs.KindFile && n.Content == nil, Certain: !maybe, Unsure: maybe,
		}
		if n.Owner.User == "" {
			e.UID = shared(n.Owner.UID)
		}
		if n.Owner.Group == "" {
			e.GID = shared(n.Owner.GID)
		}
		if provenance {
			e.Provenance = origins(m, n)
		}
		return fn(e)
	})
}

func origins(m *simulate.Image, n *rootfs.Node) []report.Origin {
	var out []report.Origin
	for _, s := range m.Provenance(n) {
		l := s.Op.Location
		o := report.Origin{File: l.File, Line: l.Range.Start.Line, Text: l.Text, Member: s.Node.Member}
		switch s.Op.Kind {
		case dockerfile.OpLocal:
			o = report.Origin{Context: s.Op.Local.Name, ContextPath: s.Node.Origin}
		case dockerfile.OpRemote:
			o = report.Origin{URL: s.Op.Remote.URL}
		}
		out = append(out, o)
	}
	return out
}

func (a *app) imageConfigCommand() *cobra.Command {
	var f buildFlags
	cmd := &cobra.Command{
		Use: "config [CONTEXT]", Short: "Show the configuration of the predicted image", Args: maxOneArg,
		Long: `Show the configuration of the predicted image: environment, working directory, user, command,
each with the instruction that set it.`,
		Example: "  ctxaudit image config .\n  ctxaudit image config --format json --target base .",
	}
	f.register(cmd)
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		form, err := format()
		if err != nil {
			return err
		}
		opt, err := a.options(cmd, &f, args)
		if err != nil {
			return err
		}
		// The configuration does not need the files.
		plan, err := dockerfile.Compile(cmd.Context(), opt)
		if err != nil {
			return a.refused(err, form == "json")
		}
		config := newImageConfig(plan.Config)
		if form == "json" {
			config.Sources = configSources(plan)
			return report.JSON(a.out, config)
		}
		return report.Config(a.out, configLines(plan), a.style())
	}
	return cmd
}

func place(l dockerfile.Location) *finding.Place {
	if l.IsZero() {
		return nil
	}
	return &finding.Place{Role: finding.RoleSets, File: l.File, Line: l.Range.Start.Line, Text: l.Text}
}

func configSources(p *dockerfile.Plan) map[string]*finding.Place {
	out := map[string]*finding.Place{}
	add := func(name string, l dockerfile.Location) {
		if pl := place(l); pl != nil {
			out[name] = pl
		}
	}
	s := p.ConfigSources
	for name, l := range s.Env {
		add("env:"+name, l)
	}
	add("workdir", s.WorkingDir)
	add("user", s.User)
	add("cmd", s.Cmd)
	add("entrypoint", s.Entrypoint)
	return out
}

func configLines(p *dockerfile.Plan) []report.ConfigLine {
	var out []report.ConfigLine
	add := func(key, value string, l dockerfile.Location) {
		if value != "" {
			out = append(out, report.ConfigLine{Key: key, Value: value, Source: place(l)})
		}
	}
	c, s := p.Config, p.ConfigSources
	for _, kv := range c.Env {
		name := kv
		for i := range kv {
			if kv[i] == '=' {
				name = kv[:i]
				break
			}
		}
		add("ENV", kv, s.Env[name])
	}
	add("WORKDIR", c.WorkingDir, s.WorkingDir)
	add("USER", c.User, s.User)
	add("ENTRYPOINT", quoteArgs(c.Entrypoint), s.Entrypoint)
	add("CMD", quoteArgs(c.Cmd), s.Cmd)
	add("STOPSIGNAL", c.StopSignal, s.StopSignal)
	add("SHELL", quoteArgs(c.Shell), s.Shell)
	for _, port := range slices.Sorted(maps.Keys(c.ExposedPorts)) {
		add("EXPOSE", port, s.ExposedPorts[port])
	}
	for _, v := range slices.Sorted(maps.Keys(c.Volumes)) {
		add("VOLUME", v, s.Volumes[v])
	}
	for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
		add("LABEL", name+"="+c.Labels[name], s.Labels[name])
	}
	return out
}

func quoteArgs(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return fmt.Sprintf("%q", args)
}
