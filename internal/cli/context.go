package cli

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/project"
	"github.com/ctxaudit/ctxaudit/internal/report"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

func (a *app) contextCommand() *cobra.Command {
	return group("context", "Show which files a build context sends to the builder",
		a.contextListCommand("ls", "List the files of the build context"),
		a.contextListCommand("tree", "Show the files of the build context as a tree"))
}

func (a *app) contextListCommand(use, short string) *cobra.Command {
	var f buildFlags
	var used, ignored bool
	cmd := &cobra.Command{
		Use: use + " [CONTEXT]", Short: short, Args: maxOneArg,
		Long: short + `: every entry that reaches the builder, parent directories included.

The answer is BuildKit's, including its walk, which most tools that list contexts do not
follow. --used lists only what the instructions of the target ask for, which is all that
BuildKit transfers. --ignored lists the rest: what is excluded, with the line that excludes
it; a directory that is excluded as a whole is listed alone.`,
		Example: fmt.Sprintf("  ctxaudit context %[1]s .\n  ctxaudit context %[1]s --used --target base .\n  ctxaudit context %[1]s --ignored -f Dockerfile .", use),
	}
	f.register(cmd)
	cmd.Flags().BoolVar(&used, "used", false, "only what this build would transfer")
	cmd.Flags().BoolVar(&ignored, "ignored", false, "only what the ignore file excludes, with the line")
	cmd.MarkFlagsMutuallyExclusive("used", "ignored")
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
		if project.IsRemote(opt.Context) {
			return fmt.Errorf("build context %s is remote: it has no ignore file, and its files are unknown until it is fetched", opt.Context)
		}
		if use == "ls" && !used {
			return a.listContext(opt, ignored, form == "json")
		}
		entries, err := a.contextEntries(cmd, opt, used, ignored)
		if err != nil {
			return a.refused(err, form == "json")
		}
		if form == "json" {
			return report.JSON(a.out, map[string]any{"files": entries})
		}
		if use == "tree" {
			return report.ContextTree(a.out, opt.Context, entries, a.style())
		}
		return report.ContextList(a.out, entries, a.style())
	}
	return cmd
}

// contextEntries gives the entries of the main context that a command asks for, sorted by path.
func (a *app) contextEntries(cmd *cobra.Command, opt dockerfile.Options, used, ignored bool) ([]report.ContextEntry, error) {
	entries := []report.ContextEntry{}
	if used {
		image, err := simulate.Build(cmd.Context(), opt)
		if err != nil {
			return nil, err
		}
		seen := map[string]bool{}
		for _, id := range sortedSources(image) {
			s := image.Sources[id]
			if s.Context.Name != simulate.MainContext {
				continue
			}
			err := s.Tree.Walk(func(e dockerctx.Entry) error {
				if !seen[e.Path] {
					seen[e.Path] = true
					entries = append(entries, contextEntry(e))
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
		return sortContext(entries), nil
	}
	c, err := simulate.OpenMain(opt)
	if err != nil {
		return nil, err
	}
	if ignored {
		err = ignoredEntries(c, true, func(e report.ContextEntry) error {
			entries = append(entries, e)
			return nil
		})
	} else {
		err = c.Tree().Walk(func(e dockerctx.Entry) error {
			entries = append(entries, contextEntry(e))
			return nil
		})
	}
	return sortContext(entries), err
}

func sortedSources(m *simulate.Image) []int {
	ids := make([]int, 0, len(m.Sources))
	for id := range m.Sources {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func contextEntry(e dockerctx.Entry) report.ContextEntry {
	out := report.ContextEntry{
		Path: e.Path, PathBytes: report.EncodePath(e.Path), Type: rootfs.KindOf(e.Mode).String(), Link: e.Link, ArrivesEmpty: e.Truncated,
	}
	if e.Mode&fs.ModeType == 0 {
		out.Size = e.Size
	}
	return out
}

func sortContext(entries []report.ContextEntry) []report.ContextEntry {
	slices.SortFunc(entries, func(a, b report.ContextEntry) int { return cmp.Compare(a.Path, b.Path) })
	return entries
}
